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

namespace local_progressbridge\admin;

use local_progressbridge\scope;

/**
 * Courses by short name, one a line, each of which must exist.
 *
 * @package    local_progressbridge
 * @copyright  2026 Progress bridge contributors
 * @license    https://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */
class setting_courses extends \admin_setting_configtextarea {
    /**
     * Make the setting, a text area of a few lines.
     *
     * @param string $name
     * @param string|\lang_string $visiblename
     * @param string|\lang_string $description
     * @param string $defaultsetting
     */
    public function __construct($name, $visiblename, $description, $defaultsetting) {
        parent::__construct($name, $visiblename, $description, $defaultsetting, PARAM_RAW_TRIMMED, '40', '4');
    }

    #[\Override]
    public function validate($data) {
        global $DB;
        $exists = fn($shortname) => $DB->record_exists('course', ['shortname' => $shortname]);
        $unknown = array_filter(scope::lines($data), fn($shortname) => !$exists($shortname));
        return $unknown ? get_string('courses_unknown', 'local_progressbridge', implode(', ', $unknown)) : true;
    }
}
