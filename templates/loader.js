"use strict";
// The one script that stands in the page as it is: it unpacks the page's own, a third of the size, and has it run. Every browser
// since the middle of 2023 can; in any other the page stays as it is without scripts.

// Where the policy asks for it, HTML and scripts have to come from here: cards of the page's own packs, its script, and Plotly.
const trusted = window.trustedTypes?.createPolicy("saliency-report", { createHTML: (html) => html, createScript: (code) => code })
  ?? { createHTML: (html) => html, createScript: (code) => code };

async function unpack(base64) {
  if (!window.DecompressionStream) throw new Error("this browser cannot unpack them");
  const bytes = Uint8Array.fromBase64?.(base64) ?? Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).text();
}

/** Runs a script that the page's policy admits by its hash; false where a viewer has blocked it. */
function run(source, hasRun) {
  const script = document.createElement("script");
  script.text = trusted.createScript(source);
  document.head.append(script);
  return hasRun();
}

function cannotUnpack(error) {
  if (document.querySelector(".unpack-failed")) return;
  const note = document.createElement("p");
  note.className = "note warning unpack-failed";
  note.textContent = `Switches and charts do not work here (${error.message}). The coloured texts and the tables stand as they are.`;
  document.querySelector("#examples").prepend(note);
}

unpack(document.querySelector("#script").textContent)
  .then((source) => {
    if (!run(source, () => document.documentElement.dataset.script)) throw new Error("this viewer blocked them");
  })
  .catch(cannotUnpack);
