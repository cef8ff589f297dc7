<?php
// One thing on a real Moodle, by Moodle's own functions: php act.php CONFIG COMMAND [JSON]. Prints JSON.

define('CLI_SCRIPT', true);
[, $config, $command, $argument] = $argv + [3 => '[]'];
require($config);
require_once($CFG->libdir . '/testing/generator/lib.php');
require_once($CFG->libdir . '/testing/generator/data_generator.php');
require_once($CFG->libdir . '/completionlib.php');
require_once($CFG->dirroot . '/course/lib.php');
require_once($CFG->dirroot . '/mod/assign/locallib.php');
require_once($CFG->dirroot . '/user/lib.php');

/** A course with completion, a learner in it, and activities: their ids by name. */
function seed(string $idnumber, array $activities): array {
    $generator = new testing_data_generator();
    set_config('enablecompletion', 1);
    // Each process counts its names anew.
    $shortname = uniqid('course-');
    $course = $generator->create_course(['shortname' => $shortname, 'idnumber' => $idnumber, 'enablecompletion' => 1]);
    $username = uniqid('learner-');
    $learner = $generator->create_user(['username' => $username, 'email' => "{$username}@example.org"]);
    $generator->enrol_user($learner->id, $course->id, 'student');
    $cms = [];
    foreach ($activities as $name => $options) {
        $module = $options['module'] ?? 'page';
        $record = $options + ['course' => $course->id, 'name' => $name, 'completion' => COMPLETION_TRACKING_MANUAL];
        $cms[$name] = (int) $generator->create_module($module, $record)->cmid;
    }
    return ['course' => (int) $course->id, 'learner' => (int) $learner->id, 'cms' => $cms];
}

/** A learner ticks an activity, or unticks it. */
function complete(int $cmid, int $userid, int $state = COMPLETION_COMPLETE): void {
    [$course, $cm] = get_course_and_cm_from_cmid($cmid);
    core\session\manager::set_user(core_user::get_user($userid));
    (new completion_info($course))->update_state($cm, $state, $userid);
}

/** A teacher grades an assignment. */
function grade(int $cmid, int $userid, float $grade): void {
    [$course, $cm] = get_course_and_cm_from_cmid($cmid, 'assign');
    $data = ['grade' => $grade, 'attemptnumber' => -1, 'addattempt' => 0, 'workflowstate' => '', 'applytoall' => 0];
    (new assign(context_module::instance($cmid), $cm, $course))->save_grade($userid, (object) ($data + ['sendstudentnotifications' => 0]));
}

/** A completion as a bulk update writes it: no event. */
function write_completion(int $cmid, int $userid): void {
    global $DB;
    $row = ['coursemoduleid' => $cmid, 'userid' => $userid, 'completionstate' => COMPLETION_COMPLETE];
    $DB->insert_record('course_modules_completion', $row + ['timemodified' => time()]);
}

/** An import of grades: Moodle fires no event. */
function import_grade(int $cmid, int $userid, float $grade): void {
    [$course, $cm] = get_course_and_cm_from_cmid($cmid, 'assign');
    $item = grade_item::fetch(['itemtype' => 'mod', 'itemmodule' => 'assign', 'iteminstance' => $cm->instance]);
    $item->update_final_grade($userid, $grade, 'import', false, FORMAT_MOODLE, null, null, true);
}

/** Give a completion another time, where it is noted as well: as if it had been completed then. */
function set_time(int $cmid, int $time): void {
    global $DB;
    $DB->set_field('course_modules_completion', 'timemodified', $time, ['coursemoduleid' => $cmid]);
    $DB->set_field('local_progressbridge_item', 'timecompleted', $time, ['cmid' => $cmid]);
}

/** Give an activity another ID number. */
function rename_activity(int $cmid, string $idnumber): void {
    global $DB;
    $DB->set_field('course_modules', 'idnumber', $idnumber, ['id' => $cmid]);
}

/** What is refused of an activity: by which rule, and whether it is gone from Moodle. */
function refused(int $cmid): array {
    $groups = array_filter(local_progressbridge\ledger::refused(1000), fn($group) => (int) $group->cmid === $cmid);
    return array_values(array_map(fn($group) => [$group->code, (bool) $group->gone], $groups));
}

/** The plugin's check. */
function check(): array {
    $result = (new local_progressbridge\check\delivery())->get_result();
    return [$result->get_status(), $result->get_summary()];
}

core\session\manager::set_user(get_admin());
$given = json_decode($argument, true, 512, JSON_THROW_ON_ERROR);
ob_start();
$answer = match ($command) {
    'seed' => seed(...$given),
    'complete' => complete(...$given),
    'grade' => grade(...$given),
    'import_grade' => import_grade(...$given),
    'write_completion' => write_completion(...$given),
    'set_time' => set_time(...$given),
    'rename_activity' => rename_activity(...$given),
    'refused' => refused(...$given),
    'ahead' => local_progressbridge\ledger::count_ahead(),
    'reset_grades' => reset_course_userdata((object) ['id' => $given[0], 'reset_gradebook_grades' => 1]),
    'reset_course' => reset_course_userdata((object) ['id' => $given[0], 'reset_completion' => 1]),
    'delete_activity' => course_delete_module($given[0]),
    'delete_course' => delete_course($given[0], false),
    'delete_user' => user_delete_user(core_user::get_user($given[0])),
    'check' => check(),
    'set' => set_config($given[0], $given[1], 'local_progressbridge'),
    'settings' => (array) get_config('local_progressbridge'),
    'waiting' => local_progressbridge\ledger::count(local_progressbridge\ledger::WAITING),
    'erasures' => local_progressbridge\eraser::count_waiting(),
    'erase' => local_progressbridge\eraser::request($given[0]),
};
$said = ob_get_clean();
echo json_encode(['answer' => $answer, 'said' => $said], JSON_THROW_ON_ERROR);
