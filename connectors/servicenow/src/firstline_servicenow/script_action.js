// Script Action "Firstline: send". Event name: firstline.saved. Scope: Global.
//
// Sends one save to the hub, signed. ServiceNow does not send again what failed, so this does: the same event is put
// back in the queue for later, with growing delays, for about a day.
//
// Properties: firstline.hook.url         where the hub takes deliveries
//             firstline.hook.credential  sys_id of a Basic Auth credential whose password is the signing secret
//             firstline.hook.fields      more fields to send, parted by spaces; may be missing
(function send() {
    var TASK = 'number short_description description state active priority urgency impact business_service ' +
        'assignment_group assigned_to opened_at closed_at made_sla sla_due correlation_id correlation_display';
    var FIELDS = {
        incident: TASK + ' category subcategory caller_id resolved_at close_code rfc x_pd_integration_incident ' +
            'x_pd_integration_incident_id',
        sc_task: TASK + ' request request_item x_pd_integration_incident_id',
        change_task: TASK + ' change_request change_task_type x_pd_integration_incident_id',
        problem: TASK + ' category subcategory resolution_code rfc x_pd_integration_incident_id',
        em_alert: 'number short_description description state severity acknowledged maintenance source node type ' +
            'resource metric_name message_key assignment_group assigned_to incident initial_remote_time',
        change_request: 'number short_description type state approval active assignment_group start_date end_date ' +
            'work_start work_end close_code correlation_id correlation_display',
        sysapproval_approver: 'sysapproval sysapproval.number sysapproval.sys_class_name approver ' +
            'approver.user_name state'
    };
    // Of every table. A name with dots leads to a field of what the record refers to.
    var EVERY = 'cmdb_ci cmdb_ci.sys_class_name cmdb_ci.ip_address cmdb_ci.fqdn cmdb_ci.support_group ' +
        'cmdb_ci.environment sys_created_on sys_created_by sys_updated_on sys_updated_by sys_mod_count';
    var TRIES = 30;
    var LONGEST = 3600; // seconds
    var TIMEOUT = 10000; // milliseconds

    var saved = JSON.parse(event.getValue('parm2'));
    if (!current || !current.isValidRecord()) {
        return; // deleted in the meantime
    }
    var body = plain(JSON.stringify({
        table: current.getTableName(),
        operation: event.getValue('parm1'),
        sys_id: current.getUniqueValue(),
        sys_mod_count: parseInt(saved.count, 10),
        sys_updated_on: saved.on,
        sys_updated_by: saved.by,
        note: saved.note,
        previous: saved.was,
        record: fields([FIELDS[current.getTableName()] || '', EVERY, gs.getProperty('firstline.hook.fields', '')])
    }));
    var answer = post(body, current.getUniqueValue() + ':' + saved.count);
    if (answer < 200 || answer > 299) {
        again(answer);
    }

    function fields(lists) {
        var names = lists.join(' ').split(' ');
        var record = {};
        for (var i = 0; i < names.length; i++) {
            var valid = names[i] && current.isValidField(names[i].split('.')[0]);
            var element = valid ? current.getElement(names[i]) : null;
            if (element) {
                record[names[i]] = { value: String(element), display_value: String(element.getDisplayValue() || '') };
            }
        }
        return record;
    }

    // The body as ASCII, so that its bytes are the same in every encoding, and without a dollar sign: RESTMessageV2
    // would replace ${...} in it after it was signed. Both stand inside JSON texts only, where \uXXXX means the same.
    function plain(json) {
        return json.replace(/[$\u007f-\uffff]/g, function (character) {
            return '\\u' + ('0000' + character.charCodeAt(0).toString(16)).slice(-4);
        });
    }

    function post(body, key) {
        try {
            var message = new sn_ws.RESTMessageV2();
            message.setEndpoint(gs.getProperty('firstline.hook.url'));
            message.setHttpMethod('post');
            message.setHttpTimeout(TIMEOUT);
            message.setRequestHeader('Content-Type', 'application/json');
            message.setRequestHeader('X-Firstline-Delivery', key);
            message.setRequestHeader('X-Firstline-Signature', 'sha256=' + hex(sign(body)));
            message.setRequestBody(body);
            return message.execute().getStatusCode();
        } catch (error) {
            gs.warn('Firstline: the hub could not be reached: {0}', String(error));
            return 0;
        }
    }

    // generateMac takes the key in base64, and answers in base64.
    function sign(body) {
        var id = gs.getProperty('firstline.hook.credential');
        var secret = new sn_cc.StandardCredentialsProvider().getCredentialByID(id).getAttribute('password');
        var key = GlideStringUtil.base64Encode(String(secret));
        return String(new GlideCertificateEncryption().generateMac(key, 'HmacSHA256', body));
    }

    function hex(base64) {
        var DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
        var bits = 0, held = 0, text = '';
        for (var i = 0; i < base64.length; i++) {
            var digit = DIGITS.indexOf(base64.charAt(i));
            if (digit < 0) {
                continue; // the padding
            }
            held = (held << 6) | digit;
            bits += 6;
            while (bits >= 4) {
                bits -= 4;
                text += ((held >> bits) & 15).toString(16);
            }
            held &= (1 << bits) - 1;
        }
        return text.slice(0, 64);
    }

    function again(answer) {
        if (saved.tries >= TRIES) {
            gs.error('Firstline: {0} was not taken ({1}) and is given up', current.getDisplayValue(), String(answer));
            return;
        }
        var when = new GlideDateTime();
        when.addSeconds(Math.min(10 * Math.pow(3, saved.tries), LONGEST));
        saved.tries += 1;
        gs.eventQueueScheduled('firstline.saved', current, event.getValue('parm1'), JSON.stringify(saved), when);
    }
})();
