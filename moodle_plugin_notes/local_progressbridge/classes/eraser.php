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

namespace local_progressbridge;

/**
 * Erases learners from the bridge: deleted users, and those whose data is deleted by the privacy tools.
 *
 * A living learner's row stays when it is done: what they had completed up to then is never sent again.
 *
 * @package    local_progressbridge
 * @copyright  2026 Progress bridge contributors
 * @license    https://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */
class eraser {
    /** @var string the table */
    private const TABLE = 'local_progressbridge_erase';

    /**
     * Make an eraser.
     *
     * @param client $client
     */
    public function __construct(
        /** @var client the bridge */
        private readonly client $client,
    ) {
    }

    /**
     * Ask for a learner to be erased.
     *
     * What this plugin knows of them is erased at once.
     *
     * @param int $userid
     */
    public static function request(int $userid): void {
        global $DB;
        $record = ['userid' => $userid, 'timecreated' => time(), 'timeerased' => 0];
        $id = $DB->get_field(self::TABLE, 'id', ['userid' => $userid]);
        if ($id === false) {
            $DB->insert_record(self::TABLE, (object) $record);
        } else {
            $DB->update_record(self::TABLE, (object) ($record + ['id' => $id]));
        }
        ledger::forget_learner($userid);
    }

    /**
     * Ask for learners to be erased whom no event announced, or who were sent while they were being erased.
     */
    public static function request_missed(): void {
        global $DB;
        $deleted = "SELECT DISTINCT i.userid
                      FROM {local_progressbridge_item} i
                      JOIN {user} u ON u.id = i.userid
                     WHERE u.deleted = 1";
        foreach ($DB->get_fieldset_sql($deleted) as $userid) {
            self::request((int) $userid);
        }
        $toolate = "SELECT DISTINCT i.userid
                      FROM {local_progressbridge_item} i
                      JOIN {local_progressbridge_erase} e ON e.userid = i.userid
                     WHERE e.timeerased > 0 AND i.status = :acknowledged AND i.timecompleted <= e.timecreated";
        foreach ($DB->get_fieldset_sql($toolate, ['acknowledged' => ledger::ACKNOWLEDGED]) as $userid) {
            $DB->set_field(self::TABLE, 'timeerased', 0, ['userid' => $userid]);
            ledger::forget_learner((int) $userid);
        }
    }

    /**
     * Count the learners that wait to be erased.
     *
     * @return int
     */
    public static function count_waiting(): int {
        global $DB;
        return $DB->count_records(self::TABLE, ['timeerased' => 0]);
    }

    /**
     * Name the learners that wait to be erased, oldest first.
     *
     * @return int[] users
     */
    public static function waiting(): array {
        global $DB;
        $waiting = $DB->get_records(self::TABLE, ['timeerased' => 0], 'id', 'id, userid');
        return array_map(fn($request) => (int) $request->userid, array_values($waiting));
    }

    /**
     * Tell since when the oldest erasure waits.
     *
     * @return int|null a time; null when none waits
     */
    public static function waiting_since(): ?int {
        global $DB;
        $since = $DB->get_field(self::TABLE, 'MIN(timecreated)', ['timeerased' => 0]);
        return $since ? (int) $since : null;
    }

    /**
     * Erase the learners that wait, oldest first.
     *
     * @param int $limit this many at most
     * @return int how many were erased
     * @throws failure those that were not erased still wait
     */
    public function erase_waiting(int $limit): int {
        global $DB;
        $waiting = $DB->get_records(self::TABLE, ['timeerased' => 0], 'id', 'id, userid', 0, $limit);
        foreach ($waiting as $request) {
            $this->client->erase((int) $request->userid);
            $this->done($request);
            state::succeeded();
        }
        return count($waiting);
    }

    /**
     * Note that the bridge has erased a learner.
     *
     * @param \stdClass $request
     */
    private function done(\stdClass $request): void {
        global $DB;
        if ($DB->record_exists('user', ['id' => $request->userid, 'deleted' => 0])) {
            $DB->set_field(self::TABLE, 'timeerased', time(), ['id' => $request->id]);
        } else {
            // Deleted users are never sent, and their ids never used again.
            $DB->delete_records(self::TABLE, ['id' => $request->id]);
        }
    }
}
