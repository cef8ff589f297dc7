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
 * The settings that are numbers, always within their bounds.
 *
 * The settings page checks what is typed there. Moodle's cfg.php and config.php write whatever they are given, so the
 * bounds hold again where a value is read.
 *
 * @package    local_progressbridge
 * @copyright  2026 Progress bridge contributors
 * @license    https://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */
class limits {
    /** @var int seconds for one request when the setting says nothing */
    public const DEFAULT_TIMEOUT = 10;

    /** @var int seconds, the longest time-out */
    public const MAX_TIMEOUT = 60;

    /** @var int completions sent in one run when the setting says nothing */
    public const DEFAULT_PACE = 10000;

    /** @var int completions sent in one run, at most: as many as one run looks at */
    public const MAX_PACE = 200000;

    /**
     * Tell how long to wait for the bridge.
     *
     * @return int seconds, 1 to 60
     */
    public static function timeout(): int {
        return self::read('timeout', self::DEFAULT_TIMEOUT, self::MAX_TIMEOUT);
    }

    /**
     * Tell how many completions one run of the scheduled task sends at most.
     *
     * @return int 1 to 200,000
     */
    public static function pace(): int {
        return self::read('pace', self::DEFAULT_PACE, self::MAX_PACE);
    }

    /**
     * Read a setting within its bounds.
     *
     * @param string $name
     * @param int $default for what is empty, no whole number, or less than 1
     * @param int $max for what is more
     * @return int
     */
    private static function read(string $name, int $default, int $max): int {
        $value = (int) filter_var(get_config('local_progressbridge', $name), FILTER_VALIDATE_INT);
        return $value < 1 ? $default : min($value, $max);
    }
}
