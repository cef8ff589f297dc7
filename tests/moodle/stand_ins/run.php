<?php
// One thing that Moodle does, for the tests: php run.php COMMAND [JSON]. Prints JSON.

use core\check\check;
use core_privacy\local\metadata\collection;
use core_privacy\local\request\approved_contextlist;
use core_privacy\local\request\approved_userlist;
use core_privacy\local\request\userlist;
use core_privacy\local\request\writer;
use local_progressbridge\connection_test;
use local_progressbridge\limits;
use local_progressbridge\mapping;
use local_progressbridge\output\status_page;
use local_progressbridge\privacy\provider;
use local_progressbridge\refusal;

require(__DIR__ . '/config.php');
require(__DIR__ . '/lib/adminlib.php');

/** Fire an event, as \core\event\manager does, with one difference: what an observer throws is seen. */
function fire(array $event): void {
    $observers = [];
    require($GLOBALS['CFG']->plugin . '/db/events.php');
    foreach ($observers as $observer) {
        if ($observer['eventname'] === $event['eventname']) {
            $class = $event['eventname'];
            call_user_func($observer['callback'], new $class($event));
        }
    }
}

/** Run the adhoc tasks that have attempts left; what failed stays with one attempt less. */
function run_adhoc(): array {
    global $DB;
    $failures = [];
    foreach ($DB->get_records('task_adhoc') as $record) {
        if ((int) $record->attemptsavailable === 0) {
            continue;
        }
        $task = new $record->classname();
        $task->set_attempts_available((int) $record->attemptsavailable);
        try {
            $task->execute();
            $DB->delete_records('task_adhoc', ['id' => $record->id]);
        } catch (moodle_exception $exception) {
            $failures[] = $exception->getMessage();
            $DB->set_field('task_adhoc', 'attemptsavailable', $record->attemptsavailable - 1, ['id' => $record->id]);
        }
    }
    return $failures;
}

/** Run the scheduled tasks. */
function run_scheduled(): void {
    $tasks = [];
    require($GLOBALS['CFG']->plugin . '/db/tasks.php');
    foreach ($tasks as $task) {
        (new $task['classname']())->execute();
    }
}

/** What the privacy provider does for one user. */
function privacy(string $what, int $userid): mixed {
    $context = new context(7, CONTEXT_USER, $userid);
    $contexts = [$context, new context(8, CONTEXT_COURSE, $userid)];
    $component = 'local_progressbridge';
    $approved = new approved_contextlist((object) ['id' => $userid], $component, $contexts);
    switch ($what) {
        case 'contexts':
            return provider::get_contexts_for_userid($userid)->ids;
        case 'users':
            provider::get_users_in_context($list = new userlist($context, $component));
            return $list->ids;
        case 'export':
            provider::export_user_data($approved);
            return writer::$exported;
        case 'delete_user':
            return provider::delete_data_for_user($approved);
        case 'delete_users':
            return provider::delete_data_for_users(new approved_userlist($context, $component, [$userid, $userid + 1]));
        case 'delete_context':
            return provider::delete_data_for_all_users_in_context($context);
        case 'delete_course':
            return provider::delete_data_for_all_users_in_context(new context(8, CONTEXT_COURSE, $userid));
        case 'metadata':
            return provider::get_metadata(new collection($component))->items;
    }
    throw new coding_exception($what);
}

/** The ids that an ID number means, or the refusal. */
function ids(string $idnumber, string $courseidnumber): array {
    try {
        return mapping::ids($idnumber, $courseidnumber);
    } catch (refusal $refusal) {
        return ['refused' => refusal::explain($refusal->rule, null)];
    }
}

/** The plugin's part of the tree of settings. */
function settings_tree(): admin_root {
    global $CFG;
    $hassiteconfig = true;
    $ADMIN = new admin_root();
    require($CFG->plugin . '/settings.php');
    return $ADMIN;
}

/** Save settings, as the settings page does: the errors, by name. */
function save(array $values): object {
    $errors = [];
    foreach (settings_tree()->children as $page) {
        foreach ($page->children ?? [] as $setting) {
            $name = explode('/', $setting->name)[1];
            if (array_key_exists($name, $values)) {
                $errors[$name] = $setting->write_setting($values[$name]);
            }
        }
    }
    return (object) array_filter($errors);
}

/** What a page warns of before it is shown, when it was asked for with these parameters. */
function warnings(string $path, array $params): array {
    $_POST = $params;
    $GLOBALS['PAGE'] = new class (new moodle_url($path)) {
        public function __construct(public readonly moodle_url $url) {
        }

        public function has_set_url(): bool {
            return true;
        }
    };
    $callbacks = [];
    require($GLOBALS['CFG']->plugin . '/db/hooks.php');
    foreach ($callbacks as $callback) {
        call_user_func($callback['callback'], new $callback['hook'](new renderer_base()));
    }
    return core\notification::$warnings;
}

/** What Moodle does before it drops the plugin's tables: what is said, as HTML. */
function uninstall(): string {
    global $OUTPUT;
    $OUTPUT = new stand_in_output();
    require($GLOBALS['CFG']->plugin . '/db/uninstall.php');
    ob_start();
    xmldb_local_progressbridge_uninstall();
    return ob_get_clean();
}

/** The settings page: each setting's name and default. */
function settings(): array {
    $ADMIN = settings_tree();
    $shown = $masked = [];
    foreach ($ADMIN->children as $page) {
        foreach ($page->children ?? [] as $setting) {
            $shown[$setting->name] = ['default' => $setting->defaultsetting, 'help' => (string) $setting->description];
            if ($setting instanceof admin_setting_configpasswordunmask) {
                $masked[] = $setting->name;
            }
            if ($setting instanceof admin_setting_configmultiselect && $setting->load_choices()) {
                $shown[$setting->name]['choices'] = (object) $setting->choices;
            }
        }
    }
    return ['settings' => $shown, 'masked' => $masked, 'pages' => array_map(fn($page) => $page->name ?? null, $ADMIN->children)];
}

/** What a setting says of a value: true, or what is wrong with it. */
function validate(string $class, string $value): mixed {
    $class = "local_progressbridge\\admin\\{$class}";
    return (new $class('name', '', '', ''))->validate($value);
}

/** The checks of lib.php. */
function checks(): array {
    require_once($GLOBALS['CFG']->plugin . '/lib.php');
    return array_map(fn(check $check) => [
        'name' => $check->get_name(),
        'status' => $check->get_result()->status,
        'summary' => $check->get_result()->summary,
        'url' => $check->get_action_link()->url->out(),
    ], local_progressbridge_status_checks());
}

[, $command, $argument] = $argv + [2 => 'null'];
$given = json_decode($argument, true, 512, JSON_THROW_ON_ERROR);
$answer = match ($command) {
    'install' => [
        $DB->install($CFG->plugin . '/db/install.xml'),
    ],
    'events' => array_map('fire', $given),
    'adhoc' => run_adhoc(),
    'scheduled' => run_scheduled(),
    'connection' => get_object_vars(new connection_test()),
    'status' => (new status_page())->export_for_template(new renderer_base()),
    'checks' => checks(),
    'privacy' => privacy(...$given),
    'ids' => ids(...$given),
    'settings' => settings(),
    'save' => save($given),
    'limits' => [limits::timeout(), limits::pace()],
    'warnings' => warnings(...$given),
    'uninstall' => uninstall(),
    'validate' => validate(...$given),
    'string' => get_string($given, 'local_progressbridge'),
};
echo json_encode(['answer' => $answer, 'mtrace' => $mtrace, 'debugging' => $debugging], JSON_THROW_ON_ERROR);
