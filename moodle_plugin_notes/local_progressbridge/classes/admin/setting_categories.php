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

/**
 * Course categories, read when they are shown.
 *
 * A chosen category that has been deleted stays chosen until somebody unchooses it: were it to vanish when the settings
 * are saved, nothing might be left, and nothing means everything.
 *
 * @package    local_progressbridge
 * @copyright  2026 Progress bridge contributors
 * @license    https://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */
class setting_categories extends \admin_setting_configmultiselect {
    #[\Override]
    public function load_choices() {
        if (!is_array($this->choices)) {
            $this->choices = \core_course_category::make_categories_list('moodle/category:manage');
            foreach (array_diff($this->get_setting() ?: [], array_keys($this->choices)) as $id) {
                $this->choices[$id] = get_string('categorydeleted', 'local_progressbridge', $id);
            }
        }
        return true;
    }
}
