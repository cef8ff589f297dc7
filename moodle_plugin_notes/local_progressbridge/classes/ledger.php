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
 * What is to be sent, and what became of it: waiting, acknowledged by the bridge, or refused and why.
 *
 * One row for a learner and an activity. It holds all that is sent, from the moment that the completion is known: a
 * course that is reset, or an activity that is deleted, takes nothing of it back. The bridge keeps the earliest
 * completion, so a row that is there need not be sent again, and one that is sent twice does no harm.
 *
 * @package    local_progressbridge
 * @copyright  2026 Progress bridge contributors
 * @license    https://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */
class ledger {
    /** @var int to be sent */
    public const WAITING = 0;

    /** @var int the bridge has accepted it */
    public const ACKNOWLEDGED = 1;

    /** @var int the bridge or the mapping refused it; kept until somebody retries, or it is mended in Moodle */
    public const REFUSED = 2;

    /** @var string the table */
    private const TABLE = 'local_progressbridge_item';

    /** @var int ids in one statement: databases limit the number of parameters */
    private const CHUNK = 1000;

    /**
     * Note that completions are to be sent, as Moodle has them now.
     *
     * @param \stdClass[] $rows of {@see completions}
     */
    public static function note(array $rows): void {
        global $DB;
        $new = [];
        foreach ($rows as $row) {
            $record = self::record($row);
            if ($row->itemid === null) {
                $new[] = $record + ['timecreated' => $record['timemodified']];
            } else {
                $DB->update_record(self::TABLE, (object) ($record + ['id' => $row->itemid]));
            }
        }
        self::insert($new);
    }

    /**
     * Take back a completion that was unticked, unless the bridge has it.
     *
     * @param int $cmid
     * @param int $userid
     */
    public static function take_back(int $cmid, int $userid): void {
        global $DB;
        $select = 'userid = :userid AND cmid = :cmid AND status <> :acknowledged';
        $params = ['userid' => $userid, 'cmid' => $cmid, 'acknowledged' => self::ACKNOWLEDGED];
        $DB->delete_records_select(self::TABLE, $select, $params);
    }

    /**
     * Forget items that there is nothing to send of.
     *
     * @param int[] $itemids
     */
    public static function forget(array $itemids): void {
        global $DB;
        foreach (array_chunk($itemids, self::CHUNK) as $chunk) {
            $DB->delete_records_list(self::TABLE, 'id', $chunk);
        }
    }

    /**
     * Note that the bridge has accepted completions.
     *
     * @param \stdClass[] $rows of {@see due}, 1,000 at most
     */
    public static function acknowledge(array $rows): void {
        global $DB;
        self::answered($rows);
        if (!$rows) {
            return;
        }
        [$in, $params] = $DB->get_in_or_equal(array_keys($rows), SQL_PARAMS_NAMED);
        $sql = 'UPDATE {' . self::TABLE . "} SET status = :status, code = NULL, reason = NULL, timenext = 0 WHERE id {$in}";
        $DB->execute($sql, $params + ['status' => self::ACKNOWLEDGED]);
    }

    /**
     * Note that completions were refused.
     *
     * What time heals within a day waits for its time. The rest waits for somebody.
     *
     * A time that lies further ahead comes of no clock that is a little fast: it is shown, and tried again all the same.
     *
     * @param \stdClass[] $rows of {@see due}, 1,000 at most
     * @param refusal[] $refusals by the same keys
     */
    public static function refuse(array $rows, array $refusals): void {
        global $DB;
        self::answered($rows);
        foreach ($rows as $id => $row) {
            $refusal = $refusals[$id];
            $healing = $refusal->retryafter > 0 && $refusal->retryafter <= DAYSECS;
            $DB->update_record(self::TABLE, (object) [
                'id' => $id,
                'status' => $healing ? self::WAITING : self::REFUSED,
                'code' => $healing ? null : $refusal->rule,
                'reason' => $refusal->words === '' ? null : \core_text::substr($refusal->words, 0, 255),
                'timeasof' => $healing ? $row->timeasof : 0,
                'timenext' => $refusal->retryafter > 0 ? time() + $refusal->retryafter : 0,
            ]);
        }
    }

    /**
     * Let refused items wait again.
     *
     * They are read anew from Moodle where it still has them.
     *
     * @param int|null $cmid those of one activity; null for all
     */
    public static function retry(?int $cmid = null): void {
        $condition = 'status = :refused' . ($cmid === null ? '' : ' AND cmid = :cmid');
        $params = ['refused' => self::REFUSED] + ($cmid === null ? [] : ['cmid' => $cmid]);
        self::wait_again($condition, $params);
    }

    /**
     * Let the refused items wait again that time has healed.
     */
    public static function retry_healed(): void {
        $condition = 'status = :refused AND timenext BETWEEN 1 AND :now';
        self::wait_again($condition, ['refused' => self::REFUSED, 'now' => time()]);
    }

    /**
     * Let the refused items of an activity wait again whose ID number, or its course's, is another one now.
     */
    public static function retry_renamed(): void {
        global $DB;
        $sql = "SELECT MIN(i.id) AS firstid, i.cmid, i.idnumber, i.courseidnumber,
                       cm.idnumber AS newidnumber, c.idnumber AS newcourseidnumber
                  FROM {local_progressbridge_item} i
                  JOIN {course_modules} cm ON cm.id = i.cmid
                  JOIN {course} c ON c.id = cm.course
                 WHERE i.status = :refused AND cm.idnumber <> ''
              GROUP BY i.cmid, i.idnumber, i.courseidnumber, cm.idnumber, c.idnumber";
        foreach ($DB->get_records_sql($sql, ['refused' => self::REFUSED]) as $group) {
            if ([$group->idnumber, $group->courseidnumber] !== [$group->newidnumber, $group->newcourseidnumber]) {
                self::retry((int) $group->cmid);
            }
        }
    }

    /**
     * Let completions of an activity wait, to be recorded as of today.
     *
     * Moodle has no true time of theirs.
     *
     * @param int $cmid
     */
    public static function record_as_of_today(int $cmid): void {
        global $DB;
        [$in, $params] = $DB->get_in_or_equal(refusal::INSTANTS, SQL_PARAMS_NAMED, 'code');
        $condition = "status = :refused AND cmid = :cmid AND code {$in}";
        $params += ['refused' => self::REFUSED, 'cmid' => $cmid];
        $DB->set_field_select(self::TABLE, 'timeasof', time(), $condition, $params);
        self::wait_again($condition, $params);
    }

    /**
     * Forget the refused items of an activity whose completion, activity or ID number is gone.
     *
     * @param int $cmid
     */
    public static function forget_gone(int $cmid): void {
        global $DB;
        $gone = self::gone();
        $sql = "SELECT i.id
                  FROM {local_progressbridge_item} i
                  {$gone['join']}
                 WHERE i.status = :refused AND i.cmid = :cmid AND {$gone['condition']}";
        self::forget($DB->get_fieldset_sql($sql, ['refused' => self::REFUSED, 'cmid' => $cmid]));
    }

    /**
     * Count the items that have a status.
     *
     * @param int $status
     * @return int
     */
    public static function count(int $status): int {
        global $DB;
        return $DB->count_records(self::TABLE, ['status' => $status]);
    }

    /**
     * Tell since when the oldest item waits.
     *
     * @return int|null a time; null when nothing waits
     */
    public static function waiting_since(): ?int {
        global $DB;
        $since = $DB->get_field(self::TABLE, 'MIN(timecreated)', ['status' => self::WAITING]);
        return $since ? (int) $since : null;
    }

    /**
     * Count the items that wait because they lie ahead of the bridge's clock.
     *
     * @return int
     */
    public static function count_ahead(): int {
        global $DB;
        $select = 'status = :waiting AND timenext > 0';
        return $DB->count_records_select(self::TABLE, $select, ['waiting' => self::WAITING]);
    }

    /**
     * Group the refused items by activity and reason, the most frequent first.
     *
     * @param int $limit
     * @return \stdClass[] firstid, cmid, idnumber, course (its full name), courseid, code, reason, learners, and gone,
     *     which is 1 for those whose completion, activity or ID number is no more
     */
    public static function refused(int $limit): array {
        global $DB;
        $gone = self::gone();
        $isgone = "CASE WHEN {$gone['condition']} THEN 1 ELSE 0 END";
        $sql = "SELECT MIN(i.id) AS firstid, i.cmid, i.idnumber, i.code, MIN(i.reason) AS reason,
                       c.fullname AS course, c.id AS courseid, {$isgone} AS gone, COUNT(1) AS learners
                  FROM {local_progressbridge_item} i
                  {$gone['join']}
             LEFT JOIN {course} c ON c.id = cm.course
                 WHERE i.status = :refused
              GROUP BY i.cmid, i.idnumber, i.code, c.fullname, c.id, {$isgone}
              ORDER BY learners DESC, firstid";
        return $DB->get_records_sql($sql, ['refused' => self::REFUSED], 0, $limit);
    }

    /**
     * Forget what the bridge has acknowledged of activities that are no more.
     *
     * Found first and deleted by the index then: a condition over the whole table would lock it for seconds, and
     * events with it.
     */
    public static function forget_lost_activities(): void {
        global $DB;
        $sql = "SELECT DISTINCT i.cmid
                  FROM {local_progressbridge_item} i
             LEFT JOIN {course_modules} cm ON cm.id = i.cmid
                 WHERE cm.id IS NULL AND i.status = :acknowledged";
        foreach ($DB->get_fieldset_sql($sql, ['acknowledged' => self::ACKNOWLEDGED]) as $cmid) {
            $DB->delete_records(self::TABLE, ['cmid' => $cmid, 'status' => self::ACKNOWLEDGED]);
        }
    }

    /**
     * Forget all that is known of a learner.
     *
     * @param int $userid
     */
    public static function forget_learner(int $userid): void {
        global $DB;
        $DB->delete_records(self::TABLE, ['userid' => $userid]);
    }

    /**
     * Write the SQL that finds the items "i" whose completion, activity or ID number Moodle no longer has.
     *
     * @return array{join: string, condition: string}
     */
    private static function gone(): array {
        return [
            'join' => 'LEFT JOIN {course_modules} cm ON cm.id = i.cmid
             LEFT JOIN {course_modules_completion} cmc
                       ON cmc.userid = i.userid AND cmc.coursemoduleid = i.cmid AND cmc.completionstate <> 0',
            'condition' => "(cm.id IS NULL OR cm.idnumber IS NULL OR cm.idnumber = '' OR cmc.id IS NULL)",
        ];
    }

    /**
     * Let refused items wait, to be sent at once.
     *
     * @param string $condition finds them by their status
     * @param array $params named
     */
    private static function wait_again(string $condition, array $params): void {
        global $DB;
        $sql = 'UPDATE {' . self::TABLE . "} SET status = :waiting, timenext = 0 WHERE {$condition}";
        $DB->execute($sql, $params + ['waiting' => self::WAITING]);
    }

    /**
     * Make the item of a completion, with all that is to be sent.
     *
     * @param \stdClass $row of {@see completions}
     * @return array
     */
    private static function record(\stdClass $row): array {
        return [
            'cmid' => $row->cmid,
            'userid' => $row->userid,
            'status' => self::WAITING,
            'idnumber' => $row->idnumber,
            'courseidnumber' => $row->courseidnumber,
            'timecompleted' => $row->timemodified,
            'timeasof' => 0,
            'timenext' => 0,
            'code' => null,
            'reason' => null,
            'timemodified' => time(),
        ];
    }

    /**
     * Write new items, all at once.
     *
     * They are written one by one when another task or an event has noted one meanwhile.
     *
     * @param array[] $records
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
                if (!$DB->record_exists(self::TABLE, ['userid' => $record['userid'], 'cmid' => $record['cmid']])) {
                    $DB->insert_record(self::TABLE, (object) $record);
                }
            }
        }
    }

    /**
     * Count an answer to each item, and keep what was read anew from Moodle for it.
     *
     * @param \stdClass[] $rows of {@see due}, 1,000 at most
     */
    private static function answered(array $rows): void {
        global $DB;
        if (!$rows) {
            return;
        }
        [$in, $params] = $DB->get_in_or_equal(array_keys($rows), SQL_PARAMS_NAMED);
        $sql = 'UPDATE {' . self::TABLE . "} SET attempts = attempts + 1, timemodified = :now WHERE id {$in}";
        $DB->execute($sql, $params + ['now' => time()]);
        foreach ($rows as $id => $row) {
            if ($row->code !== null) {
                $fields = ['idnumber', 'courseidnumber', 'timecompleted', 'timeasof'];
                $DB->update_record(self::TABLE, (object) (['id' => $id] + array_intersect_key((array) $row, array_flip($fields))));
            }
        }
    }
}
