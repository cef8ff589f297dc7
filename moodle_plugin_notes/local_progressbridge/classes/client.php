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

use core\http_client;
use GuzzleHttp\Exception\GuzzleException;
use GuzzleHttp\RequestOptions;
use Psr\Http\Message\ResponseInterface;

/**
 * The bridge's HTTP interface, version 1.
 *
 * Requests go through Moodle's own client, so its proxy and its list of blocked hosts apply. TLS is always
 * verified, redirects are not followed (the key would go along), and every wait has an end.
 *
 * @package    local_progressbridge
 * @copyright  2026 Progress bridge contributors
 * @license    https://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */
class client {
    /** @var int completions in one request, at most: the bridge's own limit */
    public const BATCH = 1000;

    /** @var int seconds that the bridge may ask to be left alone, at most */
    public const MAX_PAUSE = HOURSECS;

    /** @var int seconds to connect, at most */
    private const CONNECT_TIMEOUT = 5;

    /** @var string[] hosts that may be spoken to without TLS */
    private const LOOPBACK = ['localhost', '127.0.0.1', '[::1]'];

    /** @var string where the bridge is, without a slash at the end */
    private readonly string $url;

    /** @var string the server key */
    private readonly string $key;

    /** @var int seconds for one request */
    private readonly int $timeout;

    /**
     * Make a client as the settings say.
     *
     * @param http_client $http
     * @throws failure the settings are not complete, or would send the key unencrypted
     */
    public function __construct(
        /** @var http_client Moodle's client */
        private readonly http_client $http,
    ) {
        $config = get_config('local_progressbridge');
        $this->url = rtrim(trim($config->url ?? ''), '/');
        $this->key = trim($config->apikey ?? '');
        $this->timeout = limits::timeout();
        if ($this->url === '' || $this->key === '') {
            throw new failure('notconfigured');
        }
        if (!self::is_safe($this->url)) {
            throw new failure('insecure', $this->url);
        }
        if (!self::is_key($this->key)) {
            throw new failure('key'); // Before the HTTP library refuses it with a message that shows it.
        }
    }

    /**
     * Make a client as the settings say, over Moodle's HTTP client.
     *
     * @return self
     * @throws failure
     */
    public static function from_config(): self {
        return new self(\core\di::get(http_client::class));
    }

    /**
     * Tell whether there is a bridge to send to.
     *
     * @return bool
     */
    public static function is_configured(): bool {
        $config = get_config('local_progressbridge');
        return trim($config->url ?? '') !== '' && trim($config->apikey ?? '') !== '';
    }

    /**
     * Tell whether a key may be sent to an address: over TLS, or not leaving this machine.
     *
     * @param string $url
     * @return bool
     */
    public static function is_safe(string $url): bool {
        $parts = parse_url($url);
        $scheme = strtolower($parts['scheme'] ?? '');
        $host = strtolower($parts['host'] ?? '');
        if ($host === '' || isset($parts['query']) || isset($parts['fragment']) || isset($parts['user'])) {
            return false;
        }
        return $scheme === 'https' || ($scheme === 'http' && in_array($host, self::LOOPBACK, true));
    }

    /**
     * Tell whether a text can be a key: visible ASCII characters, as an HTTP header takes them.
     *
     * @param string $key
     * @return bool
     */
    public static function is_key(string $key): bool {
        return (bool) preg_match('/^[\x21-\x7e]+$/D', $key);
    }

    /**
     * Send completions, each of which is accepted or refused on its own.
     *
     * @param array $completions 1 to 1,000 of {@see mapping::completion()}
     * @return \stdClass[] in the same order: status "accepted", or "refused" with field, rule and value
     * @throws failure nothing is known to have been accepted
     */
    public function send(array $completions): array {
        $response = $this->request('POST', '/v1/completions', $completions);
        if ($response->getStatusCode() === 413 && count($completions) > 1) {
            $halves = array_chunk($completions, (int) ceil(count($completions) / 2));
            return array_merge(...array_map([$this, 'send'], $halves));
        }
        $answer = json_decode((string) $response->getBody());
        $results = $answer->results ?? null;
        if (in_array($response->getStatusCode(), [202, 207, 422], true) && is_array($results)) {
            if (count($results) !== count($completions) || array_filter($results, 'is_object') !== $results) {
                throw new failure('answer');
            }
            return $results;
        }
        throw $this->refused($response);
    }

    /**
     * Erase a learner from the bridge.
     *
     * Nothing happens when the bridge does not know them.
     *
     * @param int $userid
     * @throws failure
     */
    public function erase(int $userid): void {
        $response = $this->request('DELETE', '/v1/learners/moodle/' . $userid);
        if ($response->getStatusCode() !== 204) {
            throw $this->refused($response);
        }
    }

    /**
     * Ask the bridge what the key may do.
     *
     * @return \stdClass kind, name, origins, rights, version
     * @throws failure
     */
    public function key(): \stdClass {
        $response = $this->request('GET', '/v1/key');
        if ($response->getStatusCode() !== 200) {
            throw $this->refused($response);
        }
        $key = json_decode((string) $response->getBody());
        if (!self::describes_key($key)) {
            throw new failure('notabridge', $this->url);
        }
        return $key;
    }

    /**
     * Tell whether an answer has the form of one about a key.
     *
     * Many a server answers with JSON of another form.
     *
     * @param mixed $key
     * @return bool
     */
    private static function describes_key(mixed $key): bool {
        return is_string($key->kind ?? null) && is_string($key->version ?? null) && is_string($key->name ?? '')
            && is_array($key->origins ?? []) && is_array($key->rights ?? []);
    }

    /**
     * Send a request, and take its answer whatever its status.
     *
     * @param string $method
     * @param string $path
     * @param array|null $body sent as JSON
     * @return ResponseInterface
     * @throws failure there was no answer
     */
    private function request(string $method, string $path, ?array $body = null): ResponseInterface {
        $options = [
            RequestOptions::HEADERS => ['Authorization' => 'Bearer ' . $this->key, 'Accept' => 'application/json'],
            RequestOptions::CONNECT_TIMEOUT => min(self::CONNECT_TIMEOUT, $this->timeout),
            RequestOptions::TIMEOUT => $this->timeout,
            RequestOptions::HTTP_ERRORS => false,
            RequestOptions::ALLOW_REDIRECTS => false,
            RequestOptions::VERIFY => true,
        ];
        if ($body !== null) {
            $options[RequestOptions::JSON] = $body;
        }
        try {
            return $this->http->request($method, $this->url . $path, $options);
        } catch (GuzzleException $exception) {
            throw $this->unreachable($exception);
        }
    }

    /**
     * Find out why there was no answer.
     *
     * The numbers are libcurl's error codes (https://curl.se/libcurl/c/libcurl-errors.html). An address on Moodle's
     * block list has none: the request never left, see \core\local\guzzle\check_request. Moodle says the same of a
     * name that it finds no IPv4 address of, see host_is_blocked() of \core\files\curl_security_helper.
     *
     * @param GuzzleException $exception
     * @return failure
     */
    private function unreachable(GuzzleException $exception): failure {
        $context = method_exists($exception, 'getHandlerContext') ? $exception->getHandlerContext() : [];
        $host = (string) parse_url($this->url, PHP_URL_HOST);
        $blocked = (new \core\files\curl_security_helper())->get_blocked_url_string();
        if (!isset($context['errno']) && $exception->getMessage() === $blocked) {
            $isaddress = filter_var(trim($host, '[]'), FILTER_VALIDATE_IP);
            return $isaddress || gethostbynamel($host) ? new failure('blocked', $this->url) : new failure('dns', $host);
        }
        return match ((int) ($context['errno'] ?? 0)) {
            5, 6 => new failure('dns', $host),
            7 => new failure('connect', $this->url),
            28 => new failure('timeout', (string) $this->timeout),
            35, 51, 53, 54, 58, 59, 60, 64, 66, 77, 80, 82, 83, 90, 91 => new failure('tls', $this->url),
            default => new failure('network', $this->url),
        };
    }

    /**
     * Find out what an answer means that is not the one asked for.
     *
     * @param ResponseInterface $response
     * @return failure
     */
    private function refused(ResponseInterface $response): failure {
        $status = $response->getStatusCode();
        $retryafter = self::retry_after($response);
        return match (true) {
            $status === 401 => new failure('key'),
            $status === 403 => new failure('forbidden', self::detail($response)),
            $status === 429 => new failure('ratelimited', '', $retryafter),
            $status >= 500 => new failure('unavailable', self::detail($response), $retryafter),
            $status < 400, $status === 404, $status === 405 => new failure('notabridge', $this->url),
            default => new failure('answer', self::detail($response)),
        };
    }

    /**
     * Read the words of a problem (RFC 9457), or else the status.
     *
     * @param ResponseInterface $response
     * @return string at most 200 characters
     */
    private static function detail(ResponseInterface $response): string {
        $status = 'HTTP ' . $response->getStatusCode();
        $problem = json_decode((string) $response->getBody());
        $words = $problem->detail ?? $problem->title ?? null;
        return is_string($words) ? \core_text::substr("{$status}: {$words}", 0, 200) : $status;
    }

    /**
     * Read the seconds to wait from Retry-After (RFC 9110, 10.2.3), a number or a date.
     *
     * @param ResponseInterface $response
     * @return int 0 when it does not say; an hour at most
     */
    private static function retry_after(ResponseInterface $response): int {
        $value = trim($response->getHeaderLine('Retry-After'));
        if (ctype_digit($value)) {
            return min(self::MAX_PAUSE, (int) $value);
        }
        $date = \DateTimeImmutable::createFromFormat(DATE_RFC7231, $value, new \DateTimeZone('UTC'));
        return $date === false ? 0 : max(0, min(self::MAX_PAUSE, $date->getTimestamp() - time()));
    }
}
