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
 * Whether completions reach the bridge. It reads the plugin's own tables; it asks the bridge nothing.
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
        if ($failure !== null && !$failure->is_temporary()) {
            return new result(result::ERROR, $failure->getMessage());
        }
        $since = min(ledger::waiting_since() ?? PHP_INT_MAX, eraser::waiting_since() ?? PHP_INT_MAX);
        if ($since < time() - self::PATIENCE) {
            $words = get_string('check:waiting', 'local_progressbridge', userdate($since));
            return new result(result::WARNING, $words, $failure === null ? '' : $failure->getMessage());
        }
        $refused = ledger::count(ledger::REFUSED);
        if ($refused) {
            return new result(result::WARNING, get_string('check:refused', 'local_progressbridge', $refused));
        }
        return new result(result::OK, get_string('check:ok', 'local_progressbridge'));
    }
}
