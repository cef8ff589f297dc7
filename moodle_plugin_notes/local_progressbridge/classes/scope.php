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

    /** @var bool whether every course is sent */
    private readonly bool $everything;

    /**
     * The courses as the settings say.
     */
    public function __construct() {
        $config = get_config('local_progressbridge');
        $categories = array_filter(array_map('intval', explode(',', $config->categories ?? '')));
        $shortnames = self::lines($config->courses ?? '');
        $this->everything = !$categories && !$shortnames;
        $this->resolve_categories($categories);
        $this->resolve_courses($shortnames);
    }

    /**
     * A condition on the course "c".
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
     * Short names in the settings that no course has.
     *
     * @return string[]
     */
    public function unknown(): array {
        return $this->unknown;
    }

    /**
     * The lines of a text that are not empty.
     *
     * @param string $text
     * @return string[]
     */
    public static function lines(string $text): array {
        return array_values(array_filter(array_map('trim', explode("\n", $text)), fn($line) => $line !== ''));
    }

    /**
     * Find the categories under the chosen ones.
     *
     * @param int[] $chosen
     */
    private function resolve_categories(array $chosen): void {
        global $DB;
        if (!$chosen) {
            return;
        }
        foreach ($DB->get_records('course_categories', null, '', 'id, path') as $category) {
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
