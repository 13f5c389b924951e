// Business Rule "Firstline: tell of saves". One for each table that is watched.
// When: after. Insert: yes. Update: yes. Advanced: yes. It only puts an event in the queue, so nobody waits for the hub
// while saving. Not async: an async rule has no `previous`, and may see the record of a later save.
(function executeRule(current, previous) {
    var JOURNALS = ['work_notes', 'comments'];
    var STATES = ['state', 'acknowledged'];

    var update = current.operation() == 'update';
    var saved = {
        count: current.getValue('sys_mod_count'),
        on: current.getValue('sys_updated_on'),
        by: current.getValue('sys_updated_by'),
        was: {},
        note: note(),
        tries: 0
    };
    for (var i = 0; update && i < STATES.length; i++) {
        if (previous.isValidField(STATES[i])) {
            saved.was[STATES[i]] = previous.getValue(STATES[i]) || '';
        }
    }
    gs.eventQueue('firstline.saved', current, current.operation(), JSON.stringify(saved));

    // An event's parameter holds 255 characters: all of this together stays below.
    // The key in the last line of a note that Firstline wrote with this save. Of the note itself nothing is sent.
    // At most 80 characters: an event's parameter holds 255.
    function note() {
        for (var i = 0; update && i < JOURNALS.length; i++) {
            if (current.isValidField(JOURNALS[i]) && current[JOURNALS[i]].changes()) {
                var entry = String(current[JOURNALS[i]].getJournalEntry(1));
                var found = /\[firstline:([A-Za-z0-9_.:@\/+-]{1,80})\]\s*$/.exec(entry);
                if (found) {
                    return found[1];
                }
            }
        }
        return '';
    }
})(current, previous);
