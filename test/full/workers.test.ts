// The same with its full counts: FULL=1 is set here.
import "../worker/chromium.test.js";
