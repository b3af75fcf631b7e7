const page = this.closest('.jp-Notebook') ?? document;
const begins = heading => heading.textContent.startsWith(`${this.dataset.section}. `);
const there = page.querySelector(this.hash) ?? [...page.querySelectorAll('h2')].find(begins);
if (!there) return;
event.preventDefault();
for (let at = there; at; at = at.parentElement.closest('details')) at.open = true;
there.scrollIntoView();
there.tabIndex = -1;
there.focus({ preventScroll: true });
