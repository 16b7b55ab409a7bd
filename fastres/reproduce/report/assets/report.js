"use strict";
// Contents that show where one is, the ledger's filter, pictures with controls, and details opened for print. Every page reads without it.

const contents = document.querySelector(".contents details");
const narrow = matchMedia("(max-width: 60rem)");
const fold = () => { contents.open = !narrow.matches; };
narrow.addEventListener("change", fold);
fold();
contents.addEventListener("click", (event) => {
  if (narrow.matches && event.target.closest("a")) contents.open = false;
});

const links = [...contents.querySelectorAll('a[href^="#"]')];
const targets = links.map((link) => document.getElementById(link.hash.slice(1)));
let marked = -1;
function mark() {
  const passed = targets.findLastIndex((target) => target.getBoundingClientRect().top < innerHeight / 4);
  const atEnd = innerHeight + scrollY >= document.documentElement.scrollHeight - 2 && scrollY > 0;
  const here = atEnd ? links.length - 1 : passed;
  if (here === marked) return;
  marked = here;
  if (here >= 0 && !narrow.matches) links[here].scrollIntoView({ block: "nearest" });
  links.forEach((link, i) => {
    if (i === here) link.setAttribute("aria-current", "location");
    else link.removeAttribute("aria-current");
  });
}
addEventListener("scroll", mark, { passive: true });
addEventListener("resize", mark);
if (!narrow.matches) contents.querySelector('[aria-current="page"]')?.scrollIntoView({ block: "nearest" });
mark();

// A picture with controls: each of its states is a template. Printed is the page's own, which needs no loading.
for (const live of document.querySelectorAll(".live")) {
  const form = live.querySelector("form");
  const states = new Map([...live.querySelectorAll("template")].map((state) => [state.dataset.state, state]));
  const controls = [...form.querySelectorAll("select, input")];
  const parts = (root) => [...root.querySelectorAll("img, table")];
  const show = (values) => {
    const state = states.get(values.join(" ")).content;
    const next = values.join() === first.join() ? own : parts(document.importNode(state, true));
    parts(live).forEach((part, i) => part.replaceWith(next[i]));
    form.querySelectorAll("output").forEach((output) => { output.value = values[0].replace("-", "−"); });
  };
  const chosen = () => controls.map((control) => control.value);
  const first = chosen(), own = parts(live);
  form.hidden = false;
  form.addEventListener("input", () => show(chosen()));
  addEventListener("beforeprint", () => show(first));
  addEventListener("afterprint", () => show(chosen()));
}

let folded = [];
addEventListener("beforeprint", () => {
  folded = [...document.querySelectorAll("details:not([open])")];
  folded.forEach((details) => { details.open = true; });
});
addEventListener("afterprint", () => folded.forEach((details) => { details.open = false; }));

const filter = document.querySelector("form.filter");
if (filter) {
  const { verdict, section, text } = filter.elements;
  const claims = [...document.querySelectorAll(".claim")];
  const words = new Map(claims.map((claim) => [claim, claim.textContent.toLowerCase()]));

  const apply = () => {
    const wanted = text.value.toLowerCase().split(/\s+/).filter(Boolean);
    let count = 0;
    for (const part of document.querySelectorAll(".part")) {
      let left = 0;
      for (const claim of part.querySelectorAll(".claim")) {
        claim.hidden = !(
          (!verdict.value || [claim.dataset.verdict, claim.dataset.group].includes(verdict.value)) &&
          (!section.value || part.dataset.section === section.value) &&
          wanted.every((word) => words.get(claim).includes(word))
        );
        left += !claim.hidden;
      }
      part.hidden = !left;
      count += left;
    }
    filter.querySelector("output").textContent = `${count} of ${claims.length} claims`;
    mark();
  };
  const showTarget = () => {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (target?.hidden) { filter.reset(); apply(); target.scrollIntoView(); }
  };

  const asked = new URLSearchParams(location.search);
  for (const name of ["verdict", "section", "text"]) {
    if (asked.has(name)) filter.elements[name].value = asked.get(name);
  }
  filter.hidden = false;
  filter.addEventListener("input", apply);
  filter.addEventListener("submit", (event) => event.preventDefault());
  filter.addEventListener("reset", () => setTimeout(apply));
  addEventListener("hashchange", showTarget);
  apply();
  showTarget();
}
