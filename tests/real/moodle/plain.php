<?php
// Takes every plugin out of a Moodle that is not Moodle's own: php plain.php ROOT.

$root = rtrim($argv[1], '/');
$web = is_dir("$root/public/local") ? "$root/public" : $root;
$lib = is_file("$root/lib/plugins.json") ? "$root/lib" : "$web/lib";
$standard = json_decode(file_get_contents("$lib/plugins.json"), true)['standard'];
$types = json_decode(file_get_contents("$lib/components.json"), true)['plugintypes'];
foreach ($types as $type => $folder) {
    $folder = $web . '/' . preg_replace('~^public/~', '', $folder);
    foreach (glob("$folder/*", GLOB_ONLYDIR) as $plugin) {
        $isplugin = $type === 'local' || file_exists("$plugin/version.php");
        if ($isplugin && !in_array(basename($plugin), $standard[$type] ?? [])) {
            echo "$type ", basename($plugin), "\n";
            passthru('rm -rf ' . escapeshellarg($plugin));
        }
    }
}
