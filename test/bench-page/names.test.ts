import { expect, test } from "vitest";
import { browserName, platformName } from "../../bench/page/names.js";

const chrome = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0";

test.each([
  [`Mozilla/5.0 (Linux; Android 10; K) ${chrome} Mobile Safari/537.36`, "Chrome 140", "Android 10"],
  [
    `Mozilla/5.0 (Linux; Android 16; Pixel 9 Pro) ${chrome} Mobile Safari/537.36`,
    "Chrome 140",
    "Pixel 9 Pro, Android 16",
  ],
  [`Mozilla/5.0 (Windows NT 10.0; Win64; x64) ${chrome} Safari/537.36 Edg/140.0.0.0`, "Edge 140", "Windows"],
  [
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.0 Mobile/15E148 Safari/604.1",
    "Safari 26.0",
    "iPhone, iOS 18.6",
  ],
  [
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.0 Safari/605.1.15",
    "Safari 26.0",
    "macOS",
  ],
  ["Mozilla/5.0 (X11; Linux x86_64; rv:153.0) Gecko/20100101 Firefox/153.0", "Firefox 153", "Linux x86_64"],
  [
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/60.5 Safari/605.1.15",
    "WebKit 605.1.15",
    "Linux x86_64",
  ],
  ["curl/8.0", "a browser without a name", "an unknown platform"],
])("%s", (userAgent, browser, platform) => {
  expect(browserName(userAgent)).toBe(browser);
  expect(platformName(userAgent)).toBe(platform);
});
