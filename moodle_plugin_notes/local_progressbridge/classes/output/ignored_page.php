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

use local_progressbridge\ignored_activities;
use local_progressbridge\scope;

/**
 * What the page of ignored activities shows: each with its course, the reason, and a link to its settings.
 *
 * @package    local_progressbridge
 * @copyright  2026 Progress bridge contributors
 * @license    https://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */
class ignored_page implements \renderable, \templatable {
    /** @var int activities on a page */
    private const LENGTH = 50;

    /**
     * Make the page.
     *
     * @param int $number which page, from 0
     */
    public function __construct(
        /** @var int which page, from 0 */
        private readonly int $number,
    ) {
    }

    #[\Override]
    public function export_for_template(\renderer_base $output): array {
        $ignored = new ignored_activities(new scope());
        $activities = $ignored->some(self::LENGTH * $this->number, self::LENGTH);
        $url = new \moodle_url('/local/progressbridge/ignored.php');
        return [
            'any' => (bool) $activities,
            'activities' => array_map([$this, 'activity'], array_values($activities)),
            'pages' => $output->paging_bar($ignored->count(), $this->number, self::LENGTH, $url),
            'statusurl' => (new \moodle_url('/local/progressbridge/status.php'))->out(false),
        ];
    }

    /**
     * Describe one activity.
     *
     * @param \stdClass $activity of {@see ignored_activities::some()}
     * @return array
     */
    private function activity(\stdClass $activity): array {
        $context = \context_course::instance($activity->courseid, IGNORE_MISSING);
        return [
            'course' => $context ? format_string($activity->course, true, ['context' => $context]) : '',
            'name' => self::name($activity),
            'editurl' => (new \moodle_url('/course/modedit.php', ['update' => $activity->cmid]))->out(false),
            'reason' => ignored_activities::reason($activity),
        ];
    }

    /**
     * Tell an activity's name.
     *
     * @param \stdClass $activity of {@see ignored_activities::some()}
     * @return string HTML; its number when Moodle's cache of the course does not know it
     */
    private static function name(\stdClass $activity): string {
        $modules = get_fast_modinfo($activity->courseid)->get_cms();
        return isset($modules[$activity->cmid]) ? $modules[$activity->cmid]->get_formatted_name() : (string) $activity->cmid;
    }
}
