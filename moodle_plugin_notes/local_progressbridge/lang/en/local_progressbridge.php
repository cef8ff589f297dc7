<?php
// This file is part of Moodle - https://moodle.org/
//
// Moodle is free software: you can redistribute it and/or modify
// it under the terms of the GNU General Public License as published by
// the Free Software Foundation, either version 3 of the License, or
// (at your option) any later version.
//
// Moodle is distributed in the hope that it will be useful,
// but WITHOUT ANY WARRANTY; without even the implied warranty of
// MERCHANTABILITY or FITNESS FOR A PARTICULAR PURPOSE.  See the
// GNU General Public License for more details.
//
// You should have received a copy of the GNU General Public License
// along with Moodle.  If not, see <https://www.gnu.org/licenses/>.

/**
 * English strings.
 *
 * @package    local_progressbridge
 * @copyright  2026 Progress bridge contributors
 * @license    https://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */

defined('MOODLE_INTERNAL') || die();

$string['apikey'] = 'Key';
$string['apikey_desc'] = 'The server key of this Moodle, as <code>progress-bridge keys new --name moodle --origin moodle --right write --right erase</code> printed it.';
$string['apikey_invalid'] = 'This cannot be a key: a key has no space and no accent in it. Copy the whole line again that the command printed.';
$string['asoftoday'] = 'Record as of today';
$string['categories'] = 'Course categories';
$string['categories_desc'] = 'Courses of these categories, and of the categories in them, are sent. When no category and no course is chosen, all courses are.';
$string['categorydeleted'] = '(deleted category {$a})';
$string['check:failed'] = 'The last attempt, on {$a->time}, failed: {$a->words}';
$string['check:never'] = 'Nothing has been sent to the progress bridge yet, and the connection has not been tested.';
$string['check:ok'] = 'Completions reach the progress bridge. The last success was on {$a}.';
$string['check:refused'] = 'Refused completions: {$a}. The status page says why.';
$string['check:tested'] = 'The connection works: the test on {$a} passed. Nothing has been sent to the progress bridge yet.';
$string['check:waiting'] = 'Something has been waiting for the progress bridge since {$a}.';
$string['checkdelivery'] = 'Progress bridge';
$string['cli:help'] = 'Send to the progress bridge all that is not yet sent.

Options:
-a, --again   Walk through all completions from the start, not from where the last walk stopped.
-h, --help    Show this help.

It can be stopped and started again at any time.';
$string['cli:progress'] = 'Completions acknowledged so far: {$a}';
$string['connection'] = 'Test the connection';
$string['connection:test'] = 'Test now';
$string['connection_help'] = 'Asks the bridge whether it knows the key and what the key may do. No completion is sent. When the test passes, an earlier error is cleared and a pause that the bridge asked for ends.';
$string['courses'] = 'Courses';
$string['courses_desc'] = 'Short names of courses that are sent besides, one a line.';
$string['courses_unknown'] = 'No course has this short name: {$a}';
$string['failure:answer'] = 'The bridge gave an answer that this plugin does not understand. Nothing is lost; do the versions of bridge and plugin go together? {$a}';
$string['failure:blocked'] = 'Moodle itself blocks {$a}: by default it calls no private address and no port but 80 and 443. Change the lists of blocked hosts and allowed ports under Site administration > General > Security > HTTP security, or have the bridge answer on port 443 of a public address.';
$string['failure:connect'] = 'Nothing accepts connections at {$a}. Is the bridge running there, and does the firewall let this server through?';
$string['failure:dns'] = 'The host name {$a} cannot be found. Is it spelled correctly?';
$string['failure:forbidden'] = 'The bridge knows the key, but the key may not do this: it needs the origin moodle and the rights write and erase. {$a}';
$string['failure:insecure'] = 'The address {$a} cannot be used: it must start with https:// (or be on this very machine), and have no user name and no question mark in it.';
$string['failure:key'] = 'The bridge does not accept the key. Has it been revoked, or copied incompletely?';
$string['failure:network'] = 'The connection to {$a} broke off.';
$string['failure:notabridge'] = 'What answers at {$a} is not a progress bridge that this plugin understands. Is the address complete, without /v1 at the end?';
$string['failure:notconfigured'] = 'The address of the bridge and the key are not set yet.';
$string['failure:ratelimited'] = 'The bridge asks for fewer requests. Sending goes on by itself.';
$string['failure:timeout'] = 'The bridge did not answer within {$a} s. Sending goes on by itself; if this lasts, raise the time-out in the settings.';
$string['failure:tls'] = 'No trusted TLS connection to {$a}: its certificate is expired, for another host name, or of an authority that this server does not know. Mend the certificate, or add its authority to those that this server trusts.';
$string['failure:unavailable'] = 'The bridge cannot take anything at the moment. Sending goes on by itself. {$a}';
$string['forget'] = 'Forget';
$string['forgotten'] = 'These completions are forgotten. Nothing of them was recorded.';
$string['ignored'] = 'Ignored activities';
$string['ignored:activity'] = 'Activity';
$string['ignored:coursetracking'] = 'Completion tracking is off in the course.';
$string['ignored:idnumber'] = 'It has no ID number.';
$string['ignored:none'] = 'No activity is ignored.';
$string['ignored:reason'] = 'Reason';
$string['ignored:tracking'] = 'Its completion tracking is off.';
$string['ignored_help'] = 'Nothing is sent of these activities, although their courses are sent: each has either completion tracking or an ID number, and lacks the other. The link leads to its settings. Activities that have neither are not listed.';
$string['pace'] = 'Pace';
$string['pace_desc'] = 'Completions sent in one run of the scheduled task, at most: 1 to 200000; empty or 0 means 10000. It runs every 5 minutes unless you change that, so 10000 is up to 120000 an hour. It sends what no event announced, and the history of an old site.';
$string['pace_invalid'] = 'The pace is a whole number from 1 to {$a}. An empty field or 0 means the default.';
$string['pluginname'] = 'Progress bridge';
$string['privacy:metadata:bridge'] = 'Completed activities are sent to the progress bridge, which keeps a learner\'s progress in Moodle and on other platforms. No name and no e-mail address is sent.';
$string['privacy:metadata:bridge:completed'] = 'When the activity was completed.';
$string['privacy:metadata:bridge:grain'] = 'The ID number of the activity and of its course, which name the grain, its sequence and its module.';
$string['privacy:metadata:bridge:userid'] = 'The user\'s number in this Moodle.';
$string['privacy:metadata:erase'] = 'Users whose record is to be erased from the bridge, or was.';
$string['privacy:metadata:erase:timeerased'] = 'When the bridge had erased it.';
$string['privacy:metadata:erase:userid'] = 'The user.';
$string['privacy:metadata:item'] = 'Completed activities as they are sent, and what became of each: waiting to be sent, acknowledged or refused.';
$string['privacy:metadata:item:attempts'] = 'How often the bridge answered about it.';
$string['privacy:metadata:item:cmid'] = 'The activity.';
$string['privacy:metadata:item:courseidnumber'] = 'The ID number of the course, as it is sent.';
$string['privacy:metadata:item:idnumber'] = 'The ID number of the activity, as it is sent.';
$string['privacy:metadata:item:reason'] = 'Why it was refused.';
$string['privacy:metadata:item:status'] = 'Whether it waits, was acknowledged or refused.';
$string['privacy:metadata:item:timeasof'] = 'The completion time that an administrator has chosen where Moodle has no true one.';
$string['privacy:metadata:item:timecompleted'] = 'The completion time, as it is sent.';
$string['privacy:metadata:item:timenext'] = 'When it is tried again, where it lies ahead of the bridge\'s clock.';
$string['privacy:metadata:item:userid'] = 'The user.';
$string['privacy:metadata:timecreated'] = 'When this was first noted.';
$string['privacy:metadata:timemodified'] = 'When this was last changed.';
$string['refusal:before_2000'] = 'Moodle holds no completion time, or one of before 2000, which the bridge does not take. Put the true time right in Moodle, or record these as of today: the record will then tell today\'s date.';
$string['refusal:empty'] = 'A part of the ID number of the activity or of its course holds nothing but blanks. Write grain, or module/sequence/grain.';
$string['refusal:emptypart'] = 'The ID number has an empty part between its slashes. Write grain, or module/sequence/grain.';
$string['refusal:no_such_instant'] = 'Moodle holds a completion time that no calendar knows. Put the true time right in Moodle, or record these as of today: the record will then tell today\'s date.';
$string['refusal:not_an_instant'] = 'Moodle holds a completion time that is no date, such as one in milliseconds. Put the true time right in Moodle, or record these as of today: the record will then tell today\'s date.';
$string['refusal:not_printable'] = 'The ID number of the activity or of its course holds a character that cannot be printed, such as an invisible space. Type it anew.';
$string['refusal:other'] = 'The bridge says: {$a}';
$string['refusal:parts'] = 'The ID number has neither one part nor three. Write grain, or module/sequence/grain.';
$string['refusal:too_far_ahead'] = 'The completion time is more than 5 minutes ahead of the bridge\'s clock. Compare the clocks of both servers. These are sent by themselves when their time comes; if it is wrong, put the true time right in Moodle, or record these as of today: the record will then tell today\'s date.';
$string['refusal:too_long'] = 'The ID number of the activity or of its course is too long for the bridge. Shorten it.';
$string['refused:gone'] = 'The completion, the activity or its ID number is no longer in Moodle: these can be tried again as they were noted, or forgotten.';
$string['refused:idnumber'] = 'ID number';
$string['refused:learners'] = 'Learners';
$string['refused:more'] = 'There are more; these are the most frequent.';
$string['refused:reason'] = 'Reason';
$string['refused_help'] = 'A new ID number of the activity or of its course is noticed by itself, and so is a completion time that was put right. For any other reason, mend it and try again.';
$string['retried'] = 'These completions wait again, and are sent within minutes.';
$string['retry'] = 'Try again';
$string['retryall'] = 'Try all again';
$string['settings'] = 'Progress bridge settings';
$string['status'] = 'Status';
$string['status0'] = 'waiting';
$string['status1'] = 'acknowledged';
$string['status2'] = 'refused';
$string['status:acknowledged'] = 'Acknowledged';
$string['status:ahead'] = 'Of these, ahead of the bridge\'s clock: sent when their time comes';
$string['status:erasures'] = 'Learners waiting to be erased';
$string['status:ignored'] = 'Ignored activities';
$string['status:lastsuccess'] = 'Last success';
$string['status:lasttest'] = 'Connection test last passed';
$string['status:lastwalk'] = 'All completions last looked through';
$string['status:pause'] = 'Pause that the bridge asked for, until';
$string['status:percent'] = '{$a}%';
$string['status:refused'] = 'Refused';
$string['status:since'] = '{$a->number}, the oldest since {$a->since}';
$string['status:unknowncategories'] = 'Chosen categories that do not exist';
$string['status:unknowncourses'] = 'Chosen courses that do not exist';
$string['status:waiting'] = 'Waiting';
$string['status:walk'] = 'Looked through this time';
$string['task:erase'] = 'Erase learners from the progress bridge';
$string['task:paused'] = 'The bridge has asked for a pause until {$a}. A test of the connection that passes ends it earlier.';
$string['task:reconcile'] = 'Send what the progress bridge has not acknowledged';
$string['task:send'] = 'Send completions to the progress bridge';
$string['test:kind'] = 'This is a learner\'s token, not a server key.';
$string['test:ok'] = 'All is well: the bridge (version {$a->second}) knows the key {$a->first}, which may write and erase for Moodle.';
$string['test:origin'] = 'The key is not for the origin moodle, but for: {$a->first}';
$string['test:righterase'] = 'The key lacks the right erase: deleted users would stay in the record.';
$string['test:rightwrite'] = 'The key lacks the right write: no completion could be recorded.';
$string['test:version'] = 'The bridge is of version {$a->first}; this plugin needs {$a->second} or later.';
$string['timeout'] = 'Time-out';
$string['timeout_desc'] = 'How long to wait for the bridge, 1 to 60 seconds; empty or 0 means 10. Learners never wait: completions are sent by background tasks.';
$string['timeout_invalid'] = 'The time-out is a whole number of seconds from 1 to {$a}. An empty field or 0 means the default.';
$string['uninstall:left'] = 'Learners who waited to be erased from the progress bridge and could not be: {$a->learners}. {$a->failure} What the bridge recorded of them stays there until somebody runs this where the bridge is, for each of these numbers: progress-bridge erase moodle NUMBER';
$string['uninstall:waiting'] = 'Learners waiting to be erased from the progress bridge: {$a}. Uninstalling tries once to erase them; whoever cannot be erased then stays in the bridge\'s record, and this Moodle forgets that they asked. Better mend first what the status page says, and wait until nobody is left there.';
$string['url'] = 'Address of the bridge';
$string['url_desc'] = 'For example https://bridge.example.org. Moodle blocks private addresses and ports other than 80 and 443 by default (Site administration > General > Security > HTTP security); <em>Test the connection</em> says whether it blocks this one.';
