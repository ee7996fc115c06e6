/** The desk: where people take conversations over. One script, one page. */

import { App } from "./desk/app.ts";
import { frame } from "./staff/frame.ts";

frame();
const root = document.getElementById("desk");
if (root) void new App(root).start();
