/** The knowledge console: one script, one function a page. */

import { accountsPage } from "./console/accounts.ts";
import { brandPage } from "./console/brand.ts";
import { hitTest } from "./console/hit_test.ts";
import { home } from "./console/home.ts";
import { knowledgePage } from "./console/knowledge.ts";
import { productsPage } from "./console/products.ts";
import { releasesPage } from "./console/releases.ts";
import { setupPage } from "./console/setup.ts";
import { uploadPage } from "./console/upload.ts";
import { frame } from "./staff/frame.ts";

const pages: Record<string, (root: HTMLElement) => void> = {
  home,
  knowledge: knowledgePage,
  products: productsPage,
  releases: releasesPage,
  test: hitTest,
  upload: uploadPage,
  brand: brandPage,
  setup: setupPage,
  staff: accountsPage,
};

frame();
const root = document.getElementById("app");
const start = pages[document.body.dataset.page ?? ""];
if (root && start) start(root);
