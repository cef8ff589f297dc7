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
 * What became of each completion: waiting, acknowledged by the bridge, or refused and why.
 *
 * One row for a learner and an activity. The bridge keeps the earliest completion, so a row that is there
 * need not be sent again, and one that is sent twice does no harm.
 *
 * @package    local_progressbridge
 * @copyright  2026 Progress bridge contributors
 * @license    https://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */
class ledger {
    /** @var int an event announced it; not yet sent */
    public const WAITING = 0;

    /** @var int the bridge has accepted it */
    public const ACKNOWLEDGED = 1;

    /** @var int the bridge or the mapping refused it; kept until somebody retries or the ID number changes */
    public const REFUSED = 2;

    /** @var string the table */
    private const TABLE = 'local_progressbridge_item';

    /**
     * Note that a completion waits, unless it is known.
     *
     * @param int $cmid
     * @param int $userid
     * @return bool whether it was not known
     */
    public static function queue(int $cmid, int $userid): bool {
        global $DB;
        if ($DB->record_exists(self::TABLE, ['userid' => $userid, 'cmid' => $cmid])) {
            return false;
        }
        $now = time();
        $DB->insert_record(self::TABLE, (object) [
            'cmid' => $cmid,
            'userid' => $userid,
            'status' => self::WAITING,
            'idnumber' => '',
            'timecreated' => $now,
            'timemodified' => $now,
        ]);
        return true;
    }

    /**
     * The ids of items that wait, oldest first.
     *
     * @param int $limit
     * @return int[]
     */
    public static function waiting(int $limit): array {
        global $DB;
        $items = $DB->get_records(self::TABLE, ['status' => self::WAITING], 'id', 'id', 0, $limit);
        return array_map('intval', array_keys($items));
    }

    /**
     * Forget items that there is nothing to send of.
     *
     * @param int[] $itemids
     */
    public static function forget(array $itemids): void {
        global $DB;
        $DB->delete_records_list(self::TABLE, 'id', $itemids);
    }

    /**
     * Note what became of completions.
     *
     * @param \stdClass[] $rows of {@see completions}
     * @param (string|null)[] $reasons by the same keys: null when acknowledged, else why it was refused
     */
    public static function note(array $rows, array $reasons): void {
        $new = [];
        $known = [];
        foreach ($rows as $key => $row) {
            $record = self::record($row, $reasons[$key]);
            if ($row->itemid === null) {
                $new[] = $record;
            } else {
                $known[(int) $row->itemid] = $record;
            }
        }
        self::update($known);
        self::insert($new);
    }

    /**
     * Let refused items wait again.
     *
     * @param int|null $cmid those of one activity; null for all
     */
    public static function retry(?int $cmid = null): void {
        global $DB;
        $condition = 'status = :refused' . ($cmid === null ? '' : ' AND cmid = :cmid');
        $params = ['refused' => self::REFUSED] + ($cmid === null ? [] : ['cmid' => $cmid]);
        $DB->set_field_select(self::TABLE, 'status', self::WAITING, $condition, $params);
    }

    /**
     * How many items have a status.
     *
     * @param int $status
     * @return int
     */
    public static function count(int $status): int {
        global $DB;
        return $DB->count_records(self::TABLE, ['status' => $status]);
    }

    /**
     * Since when the oldest item waits.
     *
     * @return int|null a time; null when nothing waits
     */
    public static function waiting_since(): ?int {
        global $DB;
        $since = $DB->get_field(self::TABLE, 'MIN(timecreated)', ['status' => self::WAITING]);
        return $since ? (int) $since : null;
    }

    /**
     * The refused items, by activity and reason, the most frequent first.
     *
     * @param int $limit
     * @return \stdClass[] firstid, cmid, idnumber, course (its full name), courseid, reason, learners
     */
    public static function refused(int $limit): array {
        global $DB;
        $sql = "SELECT MIN(i.id) AS firstid, i.cmid, i.idnumber, i.reason, c.fullname AS course, c.id AS courseid,
                       COUNT(1) AS learners
                  FROM {local_progressbridge_item} i
             LEFT JOIN {course_modules} cm ON cm.id = i.cmid
             LEFT JOIN {course} c ON c.id = cm.course
                 WHERE i.status = :refused
              GROUP BY i.cmid, i.idnumber, i.reason, c.fullname, c.id
              ORDER BY learners DESC, firstid";
        return $DB->get_records_sql($sql, ['refused' => self::REFUSED], 0, $limit);
    }

    /**
     * Forget what is known of activities that are no more.
     *
     * Found first and deleted by the index then: a condition over the whole table would lock it for seconds, and
     * events with it.
     */
    public static function forget_lost_activities(): void {
        global $DB;
        $sql = "SELECT DISTINCT i.cmid
                  FROM {local_progressbridge_item} i
             LEFT JOIN {course_modules} cm ON cm.id = i.cmid
                 WHERE cm.id IS NULL";
        foreach ($DB->get_fieldset_sql($sql) as $cmid) {
            $DB->delete_records(self::TABLE, ['cmid' => $cmid]);
        }
    }

    /**
     * Forget all of a learner.
     *
     * @param int $userid
     */
    public static function forget_learner(int $userid): void {
        global $DB;
        $DB->delete_records(self::TABLE, ['userid' => $userid]);
    }

    /**
     * What is noted of a completion.
     *
     * @param \stdClass $row of {@see completions}
     * @param string|null $reason null when acknowledged
     * @return \stdClass
     */
    private static function record(\stdClass $row, ?string $reason): \stdClass {
        $now = time();
        return (object) [
            'cmid' => $row->cmid,
            'userid' => $row->userid,
            'status' => $reason === null ? self::ACKNOWLEDGED : self::REFUSED,
            'idnumber' => $row->idnumber,
            'timecompleted' => $row->timemodified,
            'attempts' => 1,
            'reason' => $reason === null ? null : \core_text::substr($reason, 0, 255),
            'timecreated' => $now,
            'timemodified' => $now,
        ];
    }

    /**
     * Write new items, all at once; one by one when an event has queued one meanwhile, or another task has sent it.
     *
     * @param \stdClass[] $records
     */
    private static function insert(array $records): void {
        global $DB;
        if (!$records) {
            return;
        }
        try {
            $DB->insert_records(self::TABLE, $records);
        } catch (\dml_write_exception $exception) {
            foreach ($records as $record) {
                $where = ['userid' => $record->userid, 'cmid' => $record->cmid];
                $id = $DB->get_field(self::TABLE, 'id', $where);
                if ($id === false) {
                    $DB->insert_record(self::TABLE, $record);
                } else {
                    self::update([(int) $id => $record]);
                }
            }
        }
    }

    /**
     * Write over items.
     *
     * @param \stdClass[] $records by the items' ids
     */
    private static function update(array $records): void {
        global $DB;
        if (!$records) {
            return;
        }
        [$in, $params] = $DB->get_in_or_equal(array_keys($records));
        $DB->execute('UPDATE {' . self::TABLE . "} SET attempts = attempts + 1 WHERE id {$in}", $params);
        foreach ($records as $id => $record) {
            unset($record->attempts, $record->timecreated);
            $record->id = $id;
            $DB->update_record(self::TABLE, $record);
        }
    }
}
