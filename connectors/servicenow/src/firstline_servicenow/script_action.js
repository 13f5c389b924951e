// Script Action "Firstline: send". Event name: firstline.saved. Scope: Global.
//
// Sends one save to the hub, signed. ServiceNow does not send again what failed, so this does: the same event is put
// back in the queue for later, with growing delays, for about a day.
//
// Properties: firstline.hook.url         where the hub takes deliveries
//             firstline.hook.credential  sys_id of a Basic Auth credential whose password is the signing secret
(function send() {
    var FIELDS = {
        incident: 'number short_description description state active priority urgency impact category subcategory ' +
            'cmdb_ci business_service assignment_group assigned_to caller_id opened_at resolved_at closed_at ' +
            'close_code rfc correlation_id correlation_display sys_created_on sys_created_by sys_updated_on ' +
            'sys_updated_by sys_mod_count',
        change_request: 'number short_description type state approval active cmdb_ci assignment_group start_date ' +
            'end_date work_start work_end close_code correlation_id correlation_display sys_created_on ' +
            'sys_created_by sys_updated_on sys_updated_by sys_mod_count'
    };
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
        previous: saved.was ? { state: saved.was } : {},
        record: fields(FIELDS[current.getTableName()].split(' '))
    }));
    var answer = post(body, current.getUniqueValue() + ':' + saved.count);
    if (answer < 200 || answer > 299) {
        again(answer);
    }

    function fields(names) {
        var record = {};
        for (var i = 0; i < names.length; i++) {
            if (current.isValidField(names[i])) {
                record[names[i]] = {
                    value: current.getValue(names[i]) || '',
                    display_value: current.getDisplayValue(names[i]) || ''
                };
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
