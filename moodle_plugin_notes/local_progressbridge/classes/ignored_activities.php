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
 * The activities of which nothing is sent, although somebody may think that it is.
 *
 * They are in a course that is sent, and have either completion tracking or an ID number, not both.
 *
 * @package    local_progressbridge
 * @copyright  2026 Progress bridge contributors
 * @license    https://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */
class ignored_activities {
    /**
     * Take the activities of these courses.
     *
     * @param scope $scope
     */
    public function __construct(
        /** @var scope which courses */
        private readonly scope $scope,
    ) {
    }

    /**
     * Count them.
     *
     * @return int
     */
    public function count(): int {
        global $DB;
        [$from, $params] = $this->from();
        return $DB->count_records_sql("SELECT COUNT(1) {$from}", $params);
    }

    /**
     * List some of them, by course.
     *
     * @param int $after skip so many
     * @param int $limit this many at most
     * @return \stdClass[] cmid, courseid, course (its full name), idnumber, completion, enablecompletion
     */
    public function some(int $after, int $limit): array {
        global $DB;
        [$from, $params] = $this->from();
        $sql = "SELECT cm.id AS cmid, c.id AS courseid, c.fullname AS course, cm.idnumber, cm.completion,
                       c.enablecompletion
                       {$from}
              ORDER BY c.sortorder, c.id, cm.id";
        return $DB->get_records_sql($sql, $params, $after, $limit);
    }

    /**
     * Say why an activity is ignored.
     *
     * @param \stdClass $activity of {@see some()}
     * @return string
     */
    public static function reason(\stdClass $activity): string {
        $reason = match (true) {
            (string) $activity->idnumber === '' => 'idnumber',
            !$activity->enablecompletion => 'coursetracking',
            default => 'tracking',
        };
        return get_string('ignored:' . $reason, 'local_progressbridge');
    }

    /**
     * Make the part of the query that chooses them.
     *
     * @return array [string, array] SQL and its named parameters
     */
    private function from(): array {
        [$scope, $params] = $this->scope->sql();
        $sql = "FROM {course_modules} cm
                  JOIN {course} c ON c.id = cm.course
                 WHERE cm.deletioninprogress = 0 AND {$scope}
                       AND ((cm.completion > 0 AND c.enablecompletion = 1 AND (cm.idnumber IS NULL OR cm.idnumber = ''))
                            OR (cm.idnumber <> '' AND (cm.completion = 0 OR c.enablecompletion = 0)))";
        return [$sql, $params];
    }
}
