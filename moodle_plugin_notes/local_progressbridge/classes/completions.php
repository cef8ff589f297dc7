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
 * The completions of this Moodle that belong in the learner record.
 *
 * They are read from {course_modules_completion}, which bulk updates (an import of grades) change without any event. Never:
 * what Moodle does not call done, the guest, deleted users, activities without an ID number, courses that are not
 * chosen, and what an erased learner had completed up to the erasure.
 *
 * @package    local_progressbridge
 * @copyright  2026 Progress bridge contributors
 * @license    https://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */
class completions {
    /** @var overall_completion what Moodle calls done */
    private readonly overall_completion $overall;

    /**
     * Take the completions of these courses.
     *
     * @param scope $scope
     */
    public function __construct(
        /** @var scope which courses */
        private readonly scope $scope,
    ) {
        $this->overall = new overall_completion();
    }

    /**
     * Find a learner's completion of an activity, unless the ledger holds it already.
     *
     * @param int $cmid
     * @param int $userid
     * @return \stdClass[] none or one, as of {@see self::unknown()}
     */
    public function of_learner(int $cmid, int $userid): array {
        $condition = 'cmc.coursemoduleid = :cmid AND cmc.userid = :userid AND (i.id IS NULL OR i.status = :refused)';
        $params = ['cmid' => $cmid, 'userid' => $userid, 'refused' => ledger::REFUSED];
        return $this->done($this->select($condition, $params, 0));
    }

    /**
     * Find what the ledger does not hold, or holds otherwise than Moodle has it now, in a range of ids.
     *
     * Bounded on both sides by the primary key, so that it reads no more than that range, however large the table.
     * Not all of it is done: see {@see self::done()}.
     *
     * @param int $after rows with a greater id
     * @param int $upto and no greater than this
     * @param int $limit this many at most
     * @return \stdClass[] by id, in order: id, cmid, userid, completionstate, timemodified, idnumber, courseid,
     *     courseidnumber, itemid
     */
    public function unknown(int $after, int $upto, int $limit): array {
        global $DB;
        $renamed = $DB->sql_equal('i.idnumber', 'cm.idnumber', true, true, true);
        $recorded = 'CASE WHEN i.timeasof > 0 THEN i.timeasof ELSE i.timecompleted END';
        $othertime = "cmc.timemodified <> i.timecompleted
                      AND (i.status <> :acknowledged OR cmc.timemodified < {$recorded})";
        // What waits is sent as it was noted; but what lies ahead waits long enough to be put right.
        $comparable = '(i.status <> :waiting OR i.timenext > 0)';
        $condition = "cmc.id > :after AND cmc.id <= :upto
                  AND (i.id IS NULL OR ({$comparable} AND ({$renamed} OR ({$othertime}))))";
        $params = ['after' => $after, 'upto' => $upto, 'waiting' => ledger::WAITING];
        $params['acknowledged'] = ledger::ACKNOWLEDGED;
        return $this->select($condition, $params, $limit);
    }

    /**
     * Keep the rows that Moodle calls done.
     *
     * @param \stdClass[] $rows
     * @return \stdClass[] by the same keys
     */
    public function done(array $rows): array {
        return array_filter($rows, [$this->overall, 'is_complete']);
    }

    /**
     * Find the id of the row so many rows further on, or of the last one.
     *
     * @param int $after an id
     * @param int $rows at least 1
     * @return int|null null when there is no row after it
     */
    public static function further(int $after, int $rows): ?int {
        global $DB;
        $there = $DB->get_records_select('course_modules_completion', 'id > ?', [$after], 'id', 'id', $rows - 1, 1);
        if ($there) {
            return (int) array_key_first($there);
        }
        $last = $DB->get_field_sql('SELECT MAX(id) FROM {course_modules_completion} WHERE id > ?', [$after]);
        return $last ? (int) $last : null;
    }

    /**
     * Find the rows that may belong in the learner record and fulfil a condition.
     *
     * @param string $condition
     * @param array $params named
     * @param int $limit 0 for all
     * @return \stdClass[] by id
     */
    private function select(string $condition, array $params, int $limit): array {
        global $CFG, $DB;
        [$scope, $scopeparams] = $this->scope->sql();
        $sql = "SELECT cmc.id, cmc.coursemoduleid AS cmid, cmc.userid, cmc.completionstate, cmc.timemodified,
                       cm.idnumber, c.id AS courseid, c.idnumber AS courseidnumber, i.id AS itemid
                  FROM {course_modules_completion} cmc
                  JOIN {course_modules} cm ON cm.id = cmc.coursemoduleid
                  JOIN {course} c ON c.id = cm.course
                  JOIN {user} u ON u.id = cmc.userid
             LEFT JOIN {local_progressbridge_item} i ON i.userid = cmc.userid AND i.cmid = cmc.coursemoduleid
             LEFT JOIN {local_progressbridge_erase} e ON e.userid = cmc.userid
                 WHERE {$condition}
                       AND cmc.completionstate <> 0
                       AND u.deleted = 0 AND u.id <> :guest
                       AND cm.deletioninprogress = 0 AND cm.idnumber <> ''
                       AND (e.id IS NULL OR cmc.timemodified > e.timecreated)
                       AND {$scope}
              ORDER BY cmc.id";
        $params += $scopeparams + ['guest' => (int) $CFG->siteguest];
        return $DB->get_records_sql($sql, $params, 0, $limit);
    }
}
