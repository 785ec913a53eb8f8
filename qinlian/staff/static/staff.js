// A form that takes seconds says so and is sent once; a page whose numbers are being added up asks again.
for (const form of document.querySelectorAll("form[data-busy]")) {
  form.addEventListener("submit", (event) => {
    if (form.dataset.sent) {
      event.preventDefault();
      return;
    }
    form.dataset.sent = "yes";
    const button = event.submitter;
    if (button) {
      button.textContent = form.dataset.busy;
      button.setAttribute("aria-disabled", "true");
    }
  });
}

// Coming back with the browser's own button must not find a button that is busy for ever.
window.addEventListener("pageshow", (event) => {
  if (event.persisted) window.location.reload();
});

if (document.getElementById("counting")) {
  setTimeout(() => window.location.reload(), 3000);
}
