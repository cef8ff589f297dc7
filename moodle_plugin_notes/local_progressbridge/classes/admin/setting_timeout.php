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
 * The time-out: 1 to 60 seconds. An empty field or 0 means the default.
 *
 * @package    local_progressbridge
 * @copyright  2026 Progress bridge contributors
 * @license    https://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */
class setting_timeout extends \admin_setting_configduration {
    /**
     * Make the setting, with its bounds.
     *
     * @param string $name
     * @param string|\lang_string $visiblename
     * @param string|\lang_string $description
     */
    public function __construct($name, $visiblename, $description) {
        parent::__construct($name, $visiblename, $description, limits::DEFAULT_TIMEOUT, 1);
        $this->set_max_duration(limits::MAX_TIMEOUT); // Leaves out the units that are longer.
    }

    #[\Override]
    public function write_setting($data) {
        if (!is_array($data)) {
            return '';
        }
        $value = trim((string) ($data['v'] ?? ''));
        if (!preg_match('/^(-?\d{1,9})?$/', $value)) { // Moodle reads 1.5 as 1 and any word as 0, and breaks on a longer number.
            return self::rule();
        }
        return parent::write_setting((int) $value === 0 ? $this->get_defaultsetting() : $data);
    }

    #[\Override]
    protected function validate_setting(int $data): string {
        return $data < 1 || $data > limits::MAX_TIMEOUT ? self::rule() : '';
    }

    /**
     * Say what is accepted.
     *
     * @return string
     */
    private static function rule(): string {
        return get_string('timeout_invalid', 'local_progressbridge', limits::MAX_TIMEOUT);
    }
}
