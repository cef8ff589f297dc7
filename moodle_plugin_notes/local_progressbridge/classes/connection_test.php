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
 * Asks the bridge what the key may do, and says in words what is wrong.
 *
 * @package    local_progressbridge
 * @copyright  2026 Progress bridge contributors
 * @license    https://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */
class connection_test {
    /** @var string the oldest bridge that understands this plugin */
    private const OLDEST_BRIDGE = '0.1.0';

    /** @var bool whether all is well */
    public readonly bool $passed;

    /** @var string[] what is wrong, or that all is well; not escaped */
    public readonly array $findings;

    /**
     * Run the test.
     *
     * What it finds is the latest that is known: it clears an earlier failure, or takes its place.
     */
    public function __construct() {
        try {
            $key = client::from_config()->key();
            $problems = self::problems($key);
            $this->findings = $problems ?: [self::words('ok', $key->name ?? '?', $key->version)];
            $this->passed = !$problems;
            $this->passed ? state::test_passed() : state::failed(new failure('forbidden'));
        } catch (failure $failure) {
            state::failed($failure);
            $this->findings = [$failure->getMessage()];
            $this->passed = false;
        }
    }

    /**
     * Run the test if the last attempt failed.
     *
     * So what is mended shows by itself, also when there is nothing to send.
     */
    public static function run_after_failure(): void {
        if (state::failure() !== null) {
            new self();
        }
    }

    /**
     * Tell what keeps this key from being the right one.
     *
     * @param \stdClass $key the bridge's answer
     * @return string[]
     */
    private static function problems(\stdClass $key): array {
        if ($key->kind !== 'server') {
            return [self::words('kind')];
        }
        $problems = [];
        if (!in_array('moodle', $key->origins ?? [], true)) {
            $problems[] = self::words('origin', implode(', ', $key->origins ?? []));
        }
        foreach (['write', 'erase'] as $right) {
            if (!in_array($right, $key->rights ?? [], true)) {
                $problems[] = self::words('right' . $right);
            }
        }
        if (version_compare($key->version, self::OLDEST_BRIDGE, '<')) {
            $problems[] = self::words('version', $key->version, self::OLDEST_BRIDGE);
        }
        return $problems;
    }

    /**
     * Write a sentence of the test in the reader's language.
     *
     * @param string $id the string is test:$id
     * @param string ...$values for {$a->first} and {$a->second}
     * @return string
     */
    private static function words(string $id, string ...$values): string {
        $a = (object) ['first' => $values[0] ?? '', 'second' => $values[1] ?? ''];
        return get_string('test:' . $id, 'local_progressbridge', $a);
    }
}
