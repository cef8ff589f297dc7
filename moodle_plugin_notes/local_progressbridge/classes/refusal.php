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
 * One completion that cannot be recorded as it is; its neighbours can.
 *
 * @package    local_progressbridge
 * @copyright  2026 Progress bridge contributors
 * @license    https://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */
class refusal extends \Exception {
    /** @var string marks a reason of the plugin's own: a string that exists in each language */
    private const OWN = 'own:';

    /**
     * A reason of the plugin's own.
     *
     * @param string $code the string is refusal:$code
     */
    public function __construct(string $code) {
        parent::__construct(self::OWN . $code);
    }

    /**
     * The reason in words, as it was kept in the ledger.
     *
     * @param string $reason the message of a refusal, or the bridge's own words
     * @return string not escaped
     */
    public static function words(string $reason): string {
        if (!str_starts_with($reason, self::OWN)) {
            return $reason;
        }
        return get_string('refusal:' . substr($reason, strlen(self::OWN)), 'local_progressbridge');
    }
}
