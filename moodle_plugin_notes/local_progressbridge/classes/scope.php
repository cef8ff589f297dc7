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
 * Which courses are sent: those of the chosen categories and the chosen ones, or all when nothing is chosen.
 *
 * @package    local_progressbridge
 * @copyright  2026 Progress bridge contributors
 * @license    https://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */
class scope {
    /** @var int[] categories, their subcategories included */
    private array $categoryids = [];

    /** @var int[] courses */
    private array $courseids = [];

    /** @var string[] short names that no course has */
    private array $unknown = [];

    /** @var string[] what is chosen and is no category (any more) */
    private array $unknowncategories = [];

    /** @var bool whether every course is sent */
    private readonly bool $everything;

    /**
     * Find the courses that the settings choose.
     */
    public function __construct() {
        $config = get_config('local_progressbridge');
        $categories = self::entries(',', $config->categories ?? '');
        $shortnames = self::lines($config->courses ?? '');
        $this->everything = !$categories && !$shortnames;
        $this->resolve_categories($categories);
        $this->resolve_courses($shortnames);
    }

    /**
     * Write the SQL condition on the course "c".
     *
     * @return array [string, array] SQL and its named parameters
     */
    public function sql(): array {
        global $DB;
        if ($this->everything) {
            return ['1 = 1', []];
        }
        [$bycategory, $first] = $DB->get_in_or_equal($this->categoryids, SQL_PARAMS_NAMED, 'cat', true, 0);
        [$bycourse, $second] = $DB->get_in_or_equal($this->courseids, SQL_PARAMS_NAMED, 'crs', true, 0);
        return ["(c.category {$bycategory} OR c.id {$bycourse})", $first + $second];
    }

    /**
     * List the short names in the settings that no course has.
     *
     * @return string[]
     */
    public function unknown(): array {
        return $this->unknown;
    }

    /**
     * Name the chosen categories that do not exist.
     *
     * @return string[] their ids, or what else is in the setting
     */
    public function unknown_categories(): array {
        return $this->unknowncategories;
    }

    /**
     * Split a text into its lines, without empty ones.
     *
     * @param string $text
     * @return string[]
     */
    public static function lines(string $text): array {
        return self::entries("\n", $text);
    }

    /**
     * Split a text into its entries, without empty ones.
     *
     * @param string $separator
     * @param string $text
     * @return string[]
     */
    private static function entries(string $separator, string $text): array {
        return array_values(array_filter(array_map('trim', explode($separator, $text)), fn($entry) => $entry !== ''));
    }

    /**
     * Find the categories under the chosen ones.
     *
     * @param string[] $chosen their ids. What is none stays chosen: were it ignored, nothing might be left, and nothing
     *     means everything
     */
    private function resolve_categories(array $chosen): void {
        global $DB;
        if (!$chosen) {
            return;
        }
        $categories = $DB->get_records('course_categories', null, '', 'id, path');
        $this->unknowncategories = array_values(array_diff($chosen, array_keys($categories)));
        foreach ($categories as $category) {
            if (array_intersect($chosen, explode('/', $category->path))) {
                $this->categoryids[] = (int) $category->id;
            }
        }
    }

    /**
     * Find the courses by their short names.
     *
     * @param string[] $shortnames
     */
    private function resolve_courses(array $shortnames): void {
        global $DB;
        foreach ($shortnames as $shortname) {
            $id = $DB->get_field('course', 'id', ['shortname' => $shortname]);
            if ($id === false) {
                $this->unknown[] = $shortname;
            } else {
                $this->courseids[] = (int) $id;
            }
        }
    }
}
