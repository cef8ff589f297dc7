<?php
// What Moodle's config.php does: $CFG, $DB, functions and classes. The site is described by the environment.

$CFG = (object) [
    'siteguest' => '1',
    'wwwroot' => 'https://moodle.example.org',
    'libdir' => __DIR__ . '/lib',
    'lang' => getenv('MOODLE_LANG') ?: 'en',
    'plugin' => getenv('MOODLE_PLUGIN'),
];
$mtrace = $debugging = [];

set_error_handler(function ($severity, $message, $file, $line) {
    // A notice is a failure, except in Debian's Guzzle, which is older than this PHP.
    if (error_reporting() & $severity && !str_contains($file, 'GuzzleHttp')) {
        throw new ErrorException($message, 0, $severity, $file, $line);
    }
    return true;
});
spl_autoload_register(function ($class) {
    if (str_starts_with($class, 'local_progressbridge\\')) {
        $path = strtr(substr($class, strlen('local_progressbridge\\')), '\\', '/');
        $file = $GLOBALS['CFG']->plugin . "/classes/{$path}.php";
        if (file_exists($file)) {
            require_once($file);
        }
    }
});
require_once(getenv('GUZZLE_AUTOLOAD') ?: 'GuzzleHttp/autoload.php');
require_once(__DIR__ . '/functions.php');
require_once(__DIR__ . '/core.php');
require_once(__DIR__ . '/privacy.php');
require_once(__DIR__ . '/database.php');
$DB = new moodle_database(new PDO('sqlite:' . getenv('MOODLE_DATABASE')));
$PAGE = new stdClass();
$OUTPUT = null;
