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
 * One completion that cannot be recorded as it is.
 *
 * Its neighbours can.
 *
 * @package    local_progressbridge
 * @copyright  2026 Progress bridge contributors
 * @license    https://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */
class refusal extends \Exception {
    /** @var string[] the rules that the plugin has its own words for: the string is refusal:$rule */
    private const KNOWN = [
        'before_2000',
        'empty',
        'emptypart',
        'no_such_instant',
        'not_an_instant',
        'not_printable',
        'parts',
        'too_far_ahead',
        'too_long',
    ];

    /** @var string[] the rules that a completion time breaks */
    public const INSTANTS = ['before_2000', 'no_such_instant', 'not_an_instant', 'too_far_ahead'];

    /**
     * Refuse a completion, by a rule of the plugin's own or of the bridge's.
     *
     * @param string $rule the plugin's own (parts, emptypart), or the code that the bridge gives; see
     *     RuleCode in its OpenAPI document
     * @param string $words the bridge's own words, in English
     * @param int $retryafter seconds after which time itself will have mended it; 0 when it will not
     */
    public function __construct(
        /** @var string which rule */
        public readonly string $rule,
        /** @var string what the bridge said */
        public readonly string $words = '',
        /** @var int seconds */
        public readonly int $retryafter = 0,
    ) {
        parent::__construct($words === '' ? $rule : $words);
    }

    /**
     * Read what the bridge answered about one completion.
     *
     * @param \stdClass $result
     * @return self|null null when it was accepted
     */
    public static function from_result(\stdClass $result): ?self {
        if (($result->status ?? '') === 'accepted') {
            return null;
        }
        // Whatever the answer holds in these places: one that is odd must hold up nobody else's completions.
        $told = array_filter((array) $result, 'is_scalar') + ['code' => '', 'field' => '?', 'rule' => '?', 'retry_after' => 0];
        $value = isset($told['value']) ? " ({$told['value']})" : '';
        return new self(
            \core_text::substr((string) $told['code'], 0, 40),
            "{$told['field']}: {$told['rule']}{$value}",
            max(0, min(YEARSECS, (int) $told['retry_after'])),
        );
    }

    /**
     * Say why a completion is refused, in the reader's language where the rule is known.
     *
     * @param string|null $rule as the ledger keeps it
     * @param string|null $words the bridge's own
     * @return string not escaped
     */
    public static function explain(?string $rule, ?string $words): string {
        if (in_array($rule, self::KNOWN, true)) {
            return get_string('refusal:' . $rule, 'local_progressbridge');
        }
        return get_string('refusal:other', 'local_progressbridge', (string) ($words ?? $rule));
    }
}
