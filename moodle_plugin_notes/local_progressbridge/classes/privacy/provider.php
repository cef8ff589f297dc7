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

namespace local_progressbridge\privacy;

use core\task\manager;
use core_privacy\local\metadata\collection;
use core_privacy\local\request\approved_contextlist;
use core_privacy\local\request\approved_userlist;
use core_privacy\local\request\contextlist;
use core_privacy\local\request\transform;
use core_privacy\local\request\userlist;
use core_privacy\local\request\writer;
use local_progressbridge\eraser;
use local_progressbridge\refusal;
use local_progressbridge\task\erase;

/**
 * What the plugin knows of people, what it sends away, and how both are exported and erased.
 *
 * All of it is in the user's own context: the bridge can only erase a learner as a whole, so it must not be erased because
 * one course has expired.
 *
 * @package    local_progressbridge
 * @copyright  2026 Progress bridge contributors
 * @license    https://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */
class provider implements
    \core_privacy\local\metadata\provider,
    \core_privacy\local\request\core_userlist_provider,
    \core_privacy\local\request\plugin\provider {
    #[\Override]
    public static function get_metadata(collection $collection): collection {
        $collection->add_external_location_link('progressbridge', [
            'userid' => 'privacy:metadata:bridge:userid',
            'grain' => 'privacy:metadata:bridge:grain',
            'completed' => 'privacy:metadata:bridge:completed',
        ], 'privacy:metadata:bridge');
        $collection->add_database_table('local_progressbridge_item', [
            'userid' => 'privacy:metadata:item:userid',
            'cmid' => 'privacy:metadata:item:cmid',
            'status' => 'privacy:metadata:item:status',
            'idnumber' => 'privacy:metadata:item:idnumber',
            'courseidnumber' => 'privacy:metadata:item:courseidnumber',
            'timecompleted' => 'privacy:metadata:item:timecompleted',
            'timeasof' => 'privacy:metadata:item:timeasof',
            'timenext' => 'privacy:metadata:item:timenext',
            'attempts' => 'privacy:metadata:item:attempts',
            'code' => 'privacy:metadata:item:reason',
            'reason' => 'privacy:metadata:item:reason',
            'timecreated' => 'privacy:metadata:timecreated',
            'timemodified' => 'privacy:metadata:timemodified',
        ], 'privacy:metadata:item');
        $collection->add_database_table('local_progressbridge_erase', [
            'userid' => 'privacy:metadata:erase:userid',
            'timecreated' => 'privacy:metadata:timecreated',
            'timeerased' => 'privacy:metadata:erase:timeerased',
        ], 'privacy:metadata:erase');
        return $collection;
    }

    #[\Override]
    public static function get_contexts_for_userid(int $userid): contextlist {
        $contextlist = new contextlist();
        foreach (['local_progressbridge_item', 'local_progressbridge_erase'] as $table) {
            $sql = "SELECT ctx.id
                      FROM {context} ctx
                     WHERE ctx.contextlevel = :level AND ctx.instanceid = :userid
                           AND EXISTS (SELECT 1 FROM {{$table}} t WHERE t.userid = ctx.instanceid)";
            $contextlist->add_from_sql($sql, ['level' => CONTEXT_USER, 'userid' => $userid]);
        }
        return $contextlist;
    }

    #[\Override]
    public static function get_users_in_context(userlist $userlist): void {
        $context = $userlist->get_context();
        if ((int) $context->contextlevel !== CONTEXT_USER) {
            return;
        }
        foreach (['local_progressbridge_item', 'local_progressbridge_erase'] as $table) {
            $sql = "SELECT t.userid FROM {{$table}} t WHERE t.userid = :userid";
            $userlist->add_from_sql('userid', $sql, ['userid' => $context->instanceid]);
        }
    }

    #[\Override]
    public static function export_user_data(approved_contextlist $contextlist): void {
        global $DB;
        $userid = (int) $contextlist->get_user()->id;
        foreach ($contextlist->get_contexts() as $context) {
            if (!self::is_of_user($context, $userid)) {
                continue;
            }
            $items = $DB->get_records('local_progressbridge_item', ['userid' => $userid], 'id');
            $erasure = $DB->get_record('local_progressbridge_erase', ['userid' => $userid]);
            writer::with_context($context)->export_data([get_string('pluginname', 'local_progressbridge')], (object) [
                'completions' => array_map([self::class, 'exported_item'], array_values($items)),
                'erasure' => $erasure ? self::exported_erasure($erasure) : null,
            ]);
        }
    }

    #[\Override]
    public static function delete_data_for_all_users_in_context(\context $context): void {
        if ((int) $context->contextlevel === CONTEXT_USER) {
            self::erase((int) $context->instanceid);
        }
    }

    #[\Override]
    public static function delete_data_for_user(approved_contextlist $contextlist): void {
        $userid = (int) $contextlist->get_user()->id;
        foreach ($contextlist->get_contexts() as $context) {
            if (self::is_of_user($context, $userid)) {
                self::erase($userid);
            }
        }
    }

    #[\Override]
    public static function delete_data_for_users(approved_userlist $userlist): void {
        foreach ($userlist->get_userids() as $userid) {
            if (self::is_of_user($userlist->get_context(), (int) $userid)) {
                self::erase((int) $userid);
            }
        }
    }

    /**
     * Tell whether a context is this user's own.
     *
     * @param \context $context
     * @param int $userid
     * @return bool
     */
    private static function is_of_user(\context $context, int $userid): bool {
        return (int) $context->contextlevel === CONTEXT_USER && (int) $context->instanceid === $userid;
    }

    /**
     * Erase a learner here, and have them erased from the bridge.
     *
     * @param int $userid
     */
    private static function erase(int $userid): void {
        eraser::request($userid);
        manager::queue_adhoc_task(new erase(), true);
    }

    /**
     * Describe an item as the person reads it.
     *
     * @param \stdClass $item
     * @return array
     */
    private static function exported_item(\stdClass $item): array {
        return [
            'activity' => $item->idnumber,
            'course' => $item->courseidnumber,
            'status' => get_string('status' . $item->status, 'local_progressbridge'),
            'timecompleted' => transform::datetime($item->timecompleted),
            'timeasof' => $item->timeasof ? transform::datetime($item->timeasof) : null,
            'timenext' => $item->timenext ? transform::datetime($item->timenext) : null,
            'attempts' => $item->attempts,
            'reason' => $item->code === null ? $item->reason : refusal::explain($item->code, $item->reason),
            'timecreated' => transform::datetime($item->timecreated),
            'timemodified' => transform::datetime($item->timemodified),
        ];
    }

    /**
     * Describe an erasure as the person reads it.
     *
     * @param \stdClass $erasure
     * @return array
     */
    private static function exported_erasure(\stdClass $erasure): array {
        return [
            'timecreated' => transform::datetime($erasure->timecreated),
            'timeerased' => $erasure->timeerased ? transform::datetime($erasure->timeerased) : null,
        ];
    }
}
