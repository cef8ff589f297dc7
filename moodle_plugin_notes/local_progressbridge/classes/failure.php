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
 * The bridge could not be asked, or would not answer: nothing was sent, everything is kept.
 *
 * Its message says in words what to do. It is plain text, to be escaped where it is shown. It never holds the key.
 *
 * @package    local_progressbridge
 * @copyright  2026 Progress bridge contributors
 * @license    https://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */
class failure extends \moodle_exception {
    /** @var string[] what passes by itself; for the rest somebody has to mend something */
    private const TEMPORARY = ['connect', 'dns', 'network', 'ratelimited', 'timeout', 'unavailable'];

    /** @var string which one: the string is failure:$kind */
    public readonly string $kind;

    /** @var string what the bridge said, or its address; for the string's {$a} */
    public readonly string $detail;

    /** @var int seconds that the bridge asks to be left alone; 0 when it does not say */
    public readonly int $retryafter;

    /**
     * Say what is wrong.
     *
     * @param string $kind the string is failure:$kind
     * @param string $detail for the string's {$a}
     * @param int $retryafter seconds
     */
    public function __construct(string $kind, string $detail = '', int $retryafter = 0) {
        $this->kind = $kind;
        $this->detail = $detail;
        $this->retryafter = $retryafter;
        parent::__construct('failure:' . $kind, 'local_progressbridge', '', $detail);
    }

    /**
     * Tell whether the failure passes by itself.
     *
     * @return bool
     */
    public function is_temporary(): bool {
        return in_array($this->kind, self::TEMPORARY, true);
    }
}
