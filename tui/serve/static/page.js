"use strict";

// The websocket lies beside the page, under whatever name and scheme the page was opened.
const websocketUrl = `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/ws`;

// A link is shown with its address and opened by a person's click only; files come from this server.
function showLink(url) {
  const target = new URL(url, location.href);
  if (!["http:", "https:"].includes(target.protocol)) return;
  if (target.origin === location.origin && target.pathname.startsWith("/download/")) {
    const anchor = document.createElement("a");
    anchor.href = target.href;
    anchor.download = "";
    anchor.click();
    return;
  }
  const link = document.getElementById("target");
  link.href = target.href;
  link.textContent = target.href;
  document.getElementById("link").hidden = false;
  link.focus();
}

// The terminal opens an empty window first and gives it its address afterwards, or does both at once.
window.open = (url) => {
  if (url) showLink(url);
  return url ? null : { location: { set href(later) { showLink(later); } } };
};

// Browsers give the clipboard to https and to this computer only. Elsewhere the older way has to do.
function copyTheOldWay(text) {
  const before = document.activeElement;
  const area = document.createElement("textarea");
  area.value = text;
  document.body.append(area);
  area.select();
  document.execCommand("copy");
  area.remove();
  if (before) before.focus();
  return Promise.resolve();
}
const clipboard = navigator.clipboard;
const write = (text) =>
  clipboard ? clipboard.writeText(text).catch(() => copyTheOldWay(text)) : copyTheOldWay(text);
// The program may write to the clipboard; what is in it reaches the program by pasting only.
Object.defineProperty(navigator, "clipboard", {
  value: { writeText: write, readText: () => Promise.resolve("") },
});

// Ctrl+V and Command+V paste what the browser has; the terminal would send the key itself.
document.addEventListener(
  "keydown",
  (event) => {
    const dialog = document.getElementById("link");
    if (!dialog.hidden && event.key === "Escape") {
      closeLink();
      event.stopImmediatePropagation();
      event.preventDefault();
    } else if ((event.ctrlKey || event.metaKey) && !event.altKey && event.key.toLowerCase() === "v") {
      event.stopImmediatePropagation();
    }
  },
  true,
);

function closeLink() {
  document.getElementById("link").hidden = true;
  const keys = document.querySelector(".xterm-helper-textarea");
  if (keys) keys.focus();
}

document.addEventListener("DOMContentLoaded", () => {
  document.getElementById("terminal").dataset.sessionWebsocketUrl = websocketUrl;
  document.getElementById("again").addEventListener("click", () => location.reload());
  document.getElementById("dismiss").addEventListener("click", closeLink);
  document.getElementById("target").addEventListener("click", closeLink);
});

// The terminal takes the keys at once, so that a person types without a click; at the end the button does.
let typing = false;
new MutationObserver(() => {
  if (!document.body) return;
  const classes = document.body.classList;
  const keys = document.querySelector(".xterm-helper-textarea");
  if (classes.contains("-closed")) {
    document.getElementById("again").focus();
  } else if (classes.contains("-first-byte") && keys && !typing) {
    typing = true;
    keys.focus();
  }
}).observe(document.documentElement, { attributes: true, subtree: true, attributeFilter: ["class"] });
