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
 * other states than complete and passed, the guest, deleted users, activities without an ID number, courses
 * that are not chosen, and what an erased learner had completed up to the erasure.
 *
 * @package    local_progressbridge
 * @copyright  2026 Progress bridge contributors
 * @license    https://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */
class completions {
    /** @var int[] COMPLETION_COMPLETE and COMPLETION_COMPLETE_PASS of lib/completionlib.php, which a task does not load */
    public const STATES = [1, 2];

    /**
     * The completions of these courses.
     *
     * @param scope $scope
     */
    public function __construct(
        /** @var scope which courses */
        private readonly scope $scope,
    ) {
    }

    /**
     * Those of these items of the ledger that are to be sent.
     *
     * @param int[] $itemids
     * @return \stdClass[] by id: id, cmid, userid, timemodified, idnumber, courseidnumber, itemid
     */
    public function of_items(array $itemids): array {
        global $DB;
        [$in, $params] = $DB->get_in_or_equal($itemids, SQL_PARAMS_NAMED, 'item');
        return $this->select("i.id {$in}", $params, 0);
    }

    /**
     * Those the bridge has not answered about, or whose ID number has changed since, in a range of ids.
     *
     * Bounded on both sides by the primary key, so that it reads no more than that range, however large the table.
     *
     * @param int $after rows with a greater id
     * @param int $upto and no greater than this
     * @param int $limit this many at most
     * @return \stdClass[] by id, in order
     */
    public function unacknowledged(int $after, int $upto, int $limit): array {
        global $DB;
        $renamed = $DB->sql_equal('i.idnumber', 'cm.idnumber', true, true, true);
        $condition = "cmc.id > :after AND cmc.id <= :upto
                  AND (i.id IS NULL OR (i.status <> :waiting AND ({$renamed} OR cmc.timemodified < i.timecompleted)))";
        $params = ['after' => $after, 'upto' => $upto, 'waiting' => ledger::WAITING];
        return $this->select($condition, $params, $limit);
    }

    /**
     * The id of the row so many rows further on, or of the last one.
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
     * The rows that belong in the learner record and fulfil a condition.
     *
     * @param string $condition
     * @param array $params named
     * @param int $limit 0 for all
     * @return \stdClass[] by id
     */
    private function select(string $condition, array $params, int $limit): array {
        global $CFG, $DB;
        [$scope, $scopeparams] = $this->scope->sql();
        $states = implode(', ', self::STATES);
        $sql = "SELECT cmc.id, cmc.coursemoduleid AS cmid, cmc.userid, cmc.timemodified,
                       cm.idnumber, c.idnumber AS courseidnumber, i.id AS itemid
                  FROM {course_modules_completion} cmc
                  JOIN {course_modules} cm ON cm.id = cmc.coursemoduleid
                  JOIN {course} c ON c.id = cm.course
                  JOIN {user} u ON u.id = cmc.userid
             LEFT JOIN {local_progressbridge_item} i ON i.userid = cmc.userid AND i.cmid = cmc.coursemoduleid
             LEFT JOIN {local_progressbridge_erase} e ON e.userid = cmc.userid
                 WHERE {$condition}
                       AND cmc.completionstate IN ({$states})
                       AND u.deleted = 0 AND u.id <> :guest
                       AND cm.deletioninprogress = 0 AND cm.idnumber <> ''
                       AND (e.id IS NULL OR (e.timeerased > 0 AND cmc.timemodified > e.timecreated))
                       AND {$scope}
              ORDER BY cmc.id";
        $params += $scopeparams + ['guest' => (int) $CFG->siteguest];
        return $DB->get_records_sql($sql, $params, 0, $limit);
    }
}
