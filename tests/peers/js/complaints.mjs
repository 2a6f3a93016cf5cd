// Imported before all others: loggers bind the console's methods when they are loaded.
export const complaints = [];
for (const level of ["warn", "error"]) {
  console[level] = (...words) => complaints.push(`${level}: ${words.join(" ")}`);
}
