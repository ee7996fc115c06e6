/** The knowledge console: one script, one function a page. */

import { accountsPage } from "./console/accounts.ts";
import { brandPage } from "./console/brand.ts";
import { hitTest } from "./console/hit_test.ts";
import { home } from "./console/home.ts";
import { knowledgePage } from "./console/knowledge.ts";
import { productsPage } from "./console/products.ts";
import { releasesPage } from "./console/releases.ts";
import { reviewPage } from "./console/review.ts";
import { setupPage } from "./console/setup.ts";
import { trustPage } from "./console/trust.ts";
import { uploadPage } from "./console/upload.ts";
import { h } from "./dom.ts";
import { frame } from "./staff/frame.ts";
import { t } from "./staff/words.ts";

const pages: Record<string, (root: HTMLElement) => void> = {
  home,
  knowledge: knowledgePage,
  products: productsPage,
  releases: releasesPage,
  test: hitTest,
  trust: trustPage,
  review: reviewPage,
  upload: uploadPage,
  brand: brandPage,
  setup: setupPage,
  staff: accountsPage,
};

frame();
const root = document.getElementById("app");
const start = pages[document.body.dataset.page ?? ""];
const needsShop = !["setup", "staff"].includes(document.body.dataset.page ?? "");
if (root && needsShop && !document.body.dataset.shop) root.replaceChildren(noShop());
else if (root && start) start(root);

/** A new server: the guide makes the first shop. */
function noShop(): HTMLElement {
  return h(
    "section",
    { class: "card empty" },
    h("h2", {}, t("还没有店铺", "There is no shop yet")),
    h("p", {}, t("跟着开店向导走，十分钟就有第一家；或者在命令行里 xiaoer ingest 一个店铺文件夹。", "The set-up guide makes the first one in ten minutes; or run xiaoer ingest on a shop folder.")),
    h("a", { class: "button primary", href: "/console/setup" }, t("打开向导", "Open the guide")),
  );
}
