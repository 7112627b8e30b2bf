// The same with every wrong reading: FULL=1 is set here.
import "../acceptance/check.test.js";
