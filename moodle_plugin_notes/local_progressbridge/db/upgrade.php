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
 * Upgrade steps.
 *
 * @package    local_progressbridge
 * @copyright  2026 Progress bridge contributors
 * @license    https://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */

/**
 * Bring an installed plugin to this version.
 *
 * @param int $oldversion the version that is installed
 * @return bool
 */
function xmldb_local_progressbridge_upgrade(int $oldversion): bool {
    global $DB;

    if ($oldversion < 2026112800) {
        $dbman = $DB->get_manager();
        $table = new xmldb_table('local_progressbridge_item');
        $fields = [
            new xmldb_field('courseidnumber', XMLDB_TYPE_CHAR, '100', null, XMLDB_NOTNULL, null, null, 'idnumber'),
            new xmldb_field('timeasof', XMLDB_TYPE_INTEGER, '10', null, XMLDB_NOTNULL, null, '0', 'timecompleted'),
            new xmldb_field('timenext', XMLDB_TYPE_INTEGER, '10', null, XMLDB_NOTNULL, null, '0', 'timeasof'),
            new xmldb_field('code', XMLDB_TYPE_CHAR, '40', null, null, null, null, 'attempts'),
        ];
        foreach ($fields as $field) {
            if (!$dbman->field_exists($table, $field)) {
                $dbman->add_field($table, $field);
            }
        }

        // What waits was a pointer to Moodle's completion. From now on it is all that is sent, so it is read once more.
        // What was refused waits again, for the bridge to give its reason by a code.
        $sql = "SELECT i.id, cm.idnumber, c.idnumber AS courseidnumber, cmc.timemodified AS timecompleted
                  FROM {local_progressbridge_item} i
                  JOIN {course_modules} cm ON cm.id = i.cmid
                  JOIN {course} c ON c.id = cm.course
                  JOIN {course_modules_completion} cmc ON cmc.userid = i.userid AND cmc.coursemoduleid = i.cmid
                 WHERE i.status <> 1 AND cm.idnumber <> '' AND cmc.completionstate <> 0";
        $items = $DB->get_recordset_sql($sql);
        foreach ($items as $item) {
            $item->status = 0;
            $item->reason = null;
            $DB->update_record('local_progressbridge_item', $item);
        }
        $items->close();
        // A pointer to what is gone already: nothing can be sent of it.
        $DB->delete_records('local_progressbridge_item', ['status' => 0, 'timecompleted' => 0, 'idnumber' => '']);
        // What remains refused is gone from Moodle; the status page says so.
        foreach (['parts', 'emptypart'] as $rule) {
            $where = ['status' => 2, 'reason' => "own:{$rule}"];
            $DB->set_field('local_progressbridge_item', 'code', $rule, $where);
        }

        upgrade_plugin_savepoint(true, 2026112800, 'local', 'progressbridge');
    }

    return true;
}
