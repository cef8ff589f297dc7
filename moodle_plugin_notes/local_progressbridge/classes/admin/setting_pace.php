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

use local_progressbridge\limits;

/**
 * The pace: 1 to 200,000 completions in a run. An empty field or 0 means the default.
 *
 * @package    local_progressbridge
 * @copyright  2026 Progress bridge contributors
 * @license    https://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */
class setting_pace extends \admin_setting_configtext {
    /**
     * Make the setting.
     *
     * @param string $name
     * @param string|\lang_string $visiblename
     * @param string|\lang_string $description
     */
    public function __construct($name, $visiblename, $description) {
        parent::__construct($name, $visiblename, $description, limits::DEFAULT_PACE, PARAM_INT);
    }

    #[\Override]
    public function write_setting($data) {
        $data = trim((string) $data);
        return parent::write_setting($data === '' || $data === '0' ? (string) limits::DEFAULT_PACE : $data);
    }

    #[\Override]
    public function validate($data) {
        $options = ['min_range' => 1, 'max_range' => limits::MAX_PACE];
        if (filter_var($data, FILTER_VALIDATE_INT, ['options' => $options]) === false) {
            return get_string('pace_invalid', 'local_progressbridge', limits::MAX_PACE);
        }
        return true;
    }
}
