<?php
// Moodle's functions for commands.

function cli_get_params(array $longoptions, ?array $shortmapping = null): array {
    $unknown = [];
    foreach (array_slice($_SERVER['argv'], 1) as $given) {
        $option = $shortmapping[ltrim($given, '-')] ?? ltrim($given, '-');
        if (array_key_exists($option, $longoptions)) {
            $longoptions[$option] = true;
        } else {
            $unknown[] = $given;
        }
    }
    return [$longoptions, $unknown];
}

function cli_writeln($text): void {
    echo $text, "\n";
}

function cli_error($text, $errorcode = 1): never {
    fwrite(STDERR, $text . "\n");
    exit($errorcode);
}
