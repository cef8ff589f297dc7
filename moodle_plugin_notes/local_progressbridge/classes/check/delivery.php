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

namespace local_progressbridge\check;

use core\check\check;
use core\check\result;
use local_progressbridge\client;
use local_progressbridge\eraser;
use local_progressbridge\ledger;
use local_progressbridge\state;

/**
 * Checks whether completions reach the bridge, as far as it is known.
 *
 * It reads the plugin's own tables, and asks the bridge nothing.
 *
 * @package    local_progressbridge
 * @copyright  2026 Progress bridge contributors
 * @license    https://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */
class delivery extends check {
    /** @var int seconds that something may wait before it is worth a warning */
    private const PATIENCE = HOURSECS;

    #[\Override]
    public function get_action_link(): ?\action_link {
        return new \action_link(
            new \moodle_url('/local/progressbridge/status.php'),
            get_string('status', 'local_progressbridge'),
        );
    }

    #[\Override]
    public function get_result(): result {
        if (!client::is_configured()) {
            return new result(result::NA, get_string('failure:notconfigured', 'local_progressbridge'));
        }
        $failure = state::failure();
        $words = $failure === null ? '' : s($failure->getMessage());
        if ($failure !== null && !$failure->is_temporary()) {
            return new result(result::ERROR, $words);
        }
        $since = min(ledger::waiting_since() ?? PHP_INT_MAX, eraser::waiting_since() ?? PHP_INT_MAX);
        if ($since < time() - self::PATIENCE) {
            return self::result(result::WARNING, 'waiting', userdate($since), $words);
        }
        $refused = ledger::count(ledger::REFUSED);
        if ($refused) {
            return self::result(result::WARNING, 'refused', $refused, $words);
        }
        if ($failure !== null) {
            $a = (object) ['time' => userdate(state::failure_time()), 'words' => $words];
            return self::result(result::WARNING, 'failed', $a, self::pause());
        }
        return self::result_without_failure();
    }

    /**
     * Tell what is known when nothing is wrong: also that nothing was ever sent.
     *
     * @return result
     */
    private static function result_without_failure(): result {
        if (state::last_success() !== null) {
            return self::result(result::OK, 'ok', userdate(state::last_success()));
        }
        if (state::last_test() !== null) {
            return self::result(result::INFO, 'tested', userdate(state::last_test()));
        }
        return self::result(result::UNKNOWN, 'never');
    }

    /**
     * Tell until when the bridge asked to be left alone.
     *
     * @return string empty when it did not
     */
    private static function pause(): string {
        $until = state::paused_until();
        return $until === null ? '' : get_string('task:paused', 'local_progressbridge', userdate($until));
    }

    /**
     * Make a result in words.
     *
     * @param string $status of \core\check\result
     * @param string $id the string is check:$id
     * @param mixed $a for the string
     * @param string $details HTML
     * @return result
     */
    private static function result(string $status, string $id, mixed $a = null, string $details = ''): result {
        return new result($status, get_string('check:' . $id, 'local_progressbridge', $a), $details);
    }
}
