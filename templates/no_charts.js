// What the other files ask of charts, on a page without them.

const charts = { watch() {}, forget() {}, refresh() {}, refreshAll() {}, light() {} };
