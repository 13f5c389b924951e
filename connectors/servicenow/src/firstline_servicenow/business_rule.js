// Business Rule "Firstline: tell of saves". One for the table incident, one for change_request.
// When: after. Insert: yes. Update: yes. Advanced: yes. It only puts an event in the queue, so nobody waits for the hub
// while saving. Not async: an async rule has no `previous`, and may see the record of a later save.
(function executeRule(current, previous) {
    var saved = {
        count: current.getValue('sys_mod_count'),
        on: current.getValue('sys_updated_on'),
        by: current.getValue('sys_updated_by'),
        was: previous ? previous.getValue('state') : '',
        tries: 0
    };
    gs.eventQueue('firstline.saved', current, current.operation(), JSON.stringify(saved));
})(current, previous);
