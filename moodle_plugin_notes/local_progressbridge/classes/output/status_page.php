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

namespace local_progressbridge\output;

use local_progressbridge\client;
use local_progressbridge\eraser;
use local_progressbridge\ignored_activities;
use local_progressbridge\ledger;
use local_progressbridge\refusal;
use local_progressbridge\scope;
use local_progressbridge\state;

/**
 * What the status page shows: what arrived, what waits, what is refused and why.
 *
 * @package    local_progressbridge
 * @copyright  2026 Progress bridge contributors
 * @license    https://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */
class status_page implements \renderable, \templatable {
    /** @var int groups of refused items on the page */
    private const GROUPS = 100;

    #[\Override]
    public function export_for_template(\renderer_base $output): array {
        $refused = ledger::refused(self::GROUPS);
        return [
            'facts' => $this->facts(),
            'failure' => $this->failure(),
            'hasrefused' => (bool) $refused,
            'refused' => array_map([$this, 'refused'], array_values($refused)),
            'more' => count($refused) === self::GROUPS,
            'url' => (new \moodle_url('/local/progressbridge/status.php'))->out(false),
            'ignoredurl' => (new \moodle_url('/local/progressbridge/ignored.php'))->out(false),
            'connectionurl' => (new \moodle_url('/local/progressbridge/connection.php'))->out(false),
            'sesskey' => sesskey(),
        ];
    }

    /**
     * Say what is wrong.
     *
     * @return string|null not escaped; null when nothing is
     */
    private function failure(): ?string {
        if (!client::is_configured()) {
            return get_string('failure:notconfigured', 'local_progressbridge');
        }
        $failure = state::failure();
        if ($failure === null) {
            return null;
        }
        return userdate(state::failure_time()) . ': ' . $failure->getMessage();
    }

    /**
     * Collect the figures of the page.
     *
     * @return array[] name and value
     */
    private function facts(): array {
        $scope = new scope();
        $facts = [
            'lastsuccess' => self::date(state::last_success()),
            'lasttest' => self::date(state::last_test()),
            'waiting' => self::number(ledger::count(ledger::WAITING), ledger::waiting_since()),
            'acknowledged' => ledger::count(ledger::ACKNOWLEDGED),
            'refused' => ledger::count(ledger::REFUSED),
            'erasures' => self::number(eraser::count_waiting(), eraser::waiting_since()),
            'ignored' => (new ignored_activities($scope))->count(),
            'lastwalk' => self::date(state::last_walk()),
            'walk' => self::walk(),
        ];
        if (ledger::count_ahead()) {
            $facts['ahead'] = ledger::count_ahead();
        }
        if (state::paused_until() !== null) {
            $facts['pause'] = self::date(state::paused_until());
        }
        if ($scope->unknown()) {
            $facts['unknowncourses'] = implode(', ', $scope->unknown());
        }
        if ($scope->unknown_categories()) {
            $facts['unknowncategories'] = implode(', ', $scope->unknown_categories());
        }
        $named = [];
        foreach ($facts as $id => $value) {
            $named[] = ['name' => get_string('status:' . $id, 'local_progressbridge'), 'value' => $value];
        }
        return $named;
    }

    /**
     * Say how far the walk through all completions is.
     *
     * @return string
     */
    private static function walk(): string {
        global $DB;
        $last = (int) $DB->get_field_sql('SELECT MAX(id) FROM {course_modules_completion}');
        $share = $last ? min(100, intdiv(100 * state::cursor(), $last)) : 0;
        return get_string('status:percent', 'local_progressbridge', $share);
    }

    /**
     * Write a number, and since when the oldest waits.
     *
     * @param int $number
     * @param int|null $since
     * @return string
     */
    private static function number(int $number, ?int $since): string {
        if ($since === null) {
            return (string) $number;
        }
        $a = (object) ['number' => $number, 'since' => userdate($since)];
        return get_string('status:since', 'local_progressbridge', $a);
    }

    /**
     * Write a time as the reader reads it.
     *
     * @param int|null $time
     * @return string
     */
    private static function date(?int $time): string {
        return $time === null ? get_string('never') : userdate($time);
    }

    /**
     * Find the page where an activity's ID number is changed.
     *
     * @param int $cmid
     * @return string
     */
    private function edit_url(int $cmid): string {
        return (new \moodle_url('/course/modedit.php', ['update' => $cmid]))->out(false);
    }

    /**
     * Describe one group of refused items.
     *
     * @param \stdClass $group of {@see ledger::refused()}
     * @return array
     */
    private function refused(\stdClass $group): array {
        $course = $group->courseid === null ? null : \context_course::instance($group->courseid, IGNORE_MISSING);
        return [
            'course' => $course ? format_string($group->course, true, ['context' => $course]) : '',
            'idnumber' => $group->idnumber,
            'editurl' => $course ? $this->edit_url((int) $group->cmid) : null,
            'reason' => refusal::explain($group->code, $group->reason),
            'learners' => $group->learners,
            'cmid' => $group->cmid,
            'gone' => (bool) $group->gone,
            'hasnotime' => in_array($group->code, refusal::INSTANTS, true),
        ];
    }
}
