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
 * What is due to be sent, as the ledger holds it: the activity, its course and the completion may be gone from Moodle.
 *
 * What was refused before is read anew where Moodle still has it, for it may have been mended there.
 *
 * @package    local_progressbridge
 * @copyright  2026 Progress bridge contributors
 * @license    https://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */
class due {
    /**
     * Take what is due of these courses, and of courses that are no more.
     *
     * @param scope $scope
     */
    public function __construct(
        /** @var scope which courses */
        private readonly scope $scope,
    ) {
    }

    /**
     * Find the next items that are due, oldest first.
     *
     * Those of a learner whose erasure waits are not due: what they complete after it is a new record.
     *
     * @param int $limit this many at most
     * @return \stdClass[] by id: id, userid, idnumber, courseidnumber, timecompleted, timeasof, code, and
     *     ours, which is 0 for what is not to be sent: deleted users, the guest, courses no longer chosen, what an
     *     erased learner had completed before
     */
    public function next(int $limit): array {
        global $CFG, $DB;
        [$scope, $params] = $this->scope->sql();
        $sql = "SELECT i.id, i.userid, i.idnumber, i.courseidnumber, i.timecompleted, i.timeasof, i.code,
                       cm.idnumber AS newidnumber, c.idnumber AS newcourseidnumber, cmc.timemodified AS newtime,
                       CASE WHEN u.id IS NULL OR u.deleted = 1 OR u.id = :guest
                                 OR i.timecompleted <= e.timecreated
                                 OR (c.id IS NOT NULL AND NOT ({$scope}))
                            THEN 0 ELSE 1 END AS ours
                  FROM {local_progressbridge_item} i
             LEFT JOIN {user} u ON u.id = i.userid
             LEFT JOIN {course_modules} cm ON cm.id = i.cmid
             LEFT JOIN {course} c ON c.id = cm.course
             LEFT JOIN {course_modules_completion} cmc
                       ON cmc.userid = i.userid AND cmc.coursemoduleid = i.cmid AND cmc.completionstate <> 0
             LEFT JOIN {local_progressbridge_erase} e ON e.userid = i.userid
                 WHERE i.status = :waiting AND i.timenext <= :now AND (e.id IS NULL OR e.timeerased > 0)
              ORDER BY i.id";
        $params += ['guest' => (int) $CFG->siteguest, 'waiting' => ledger::WAITING, 'now' => time()];
        return array_map([self::class, 'renewed'], $DB->get_records_sql($sql, $params, 0, $limit));
    }

    /**
     * Take over from Moodle what may have been mended there of a refused item.
     *
     * @param \stdClass $row
     * @return \stdClass
     */
    private static function renewed(\stdClass $row): \stdClass {
        if ($row->code === null) {
            return $row;
        }
        if ((string) $row->newidnumber !== '') {
            $row->idnumber = $row->newidnumber;
        }
        $row->courseidnumber = $row->newcourseidnumber ?? $row->courseidnumber;
        if ($row->newtime !== null && (int) $row->newtime !== (int) $row->timecompleted) {
            $row->timecompleted = $row->newtime;
            $row->timeasof = 0;
        }
        return $row;
    }
}
