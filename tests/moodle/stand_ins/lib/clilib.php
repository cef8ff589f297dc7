<?php
// Moodle's functions for commands.

function cli_get_params(array $longoptions, ?array $shortmapping = null): array {
    $given = array_slice($_SERVER['argv'], 1);
    foreach ($given as $option) {
        $longoptions[$shortmapping[ltrim($option, '-')] ?? ltrim($option, '-')] = true;
    }
    return [$longoptions, []];
}

function cli_writeln($text): void {
    echo $text, "\n";
}

function cli_error($text, $errorcode = 1): never {
    fwrite(STDERR, $text . "\n");
    exit($errorcode);
}
