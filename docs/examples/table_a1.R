# Table A.1 with the range of each figure, from R: run the program, read its folder, draw.
# Rscript table_a1.R [TRADE]   needs the program `reorient` on the path, and the package arrow or duckdb for the flows.

trade <- commandArgs(trailingOnly = TRUE)
folder <- tempfile("reorient-")
stopifnot(system2("reorient", c("run", trade, "--list", "all", "-q", "--out", folder)) %in% c(0, 3))

# Codes keep their leading zeros, and Namibia's "NA" is no missing value.
table <- read.csv(file.path(folder, "table_a1.csv"), colClasses = c(code = "character"), na.strings = "")
print(table[, c("rank", "country", "increase_musd", "increase_min_musd", "increase_max_musd")], row.names = FALSE)

# Who sells more crude oil (HS 270900): exporters by what they add, thousand USD.
flows <- file.path(folder, "flows.parquet")
if (requireNamespace("arrow", quietly = TRUE)) {
  oil <- subset(as.data.frame(arrow::read_parquet(flows)), product == "270900")
} else if (requireNamespace("duckdb", quietly = TRUE)) {
  connection <- DBI::dbConnect(duckdb::duckdb())
  oil <- DBI::dbGetQuery(connection, sprintf("select * from '%s' where product = '270900'", flows))
  DBI::dbDisconnect(connection, shutdown = TRUE)
} else {
  oil <- NULL
}
if (!is.null(oil)) {
  oil$added_kusd <- oil$optimised_kusd - oil$imports_kusd
  print(head(oil[order(-oil$added_kusd), c("exporter", "imports_kusd", "added_kusd", "min_kusd", "max_kusd")], 10))
}

top <- table[12:1, ]
png("table_a1.png", width = 1600, height = 1000, res = 200)
par(mar = c(4, 9, 1, 1))
bars <- barplot(top$increase_musd, names.arg = top$country, horiz = TRUE, las = 1, col = "#4477aa", border = NA,
                xlim = c(0, max(top$increase_max_musd)), xlab = "increase of EU imports, million USD")
arrows(top$increase_min_musd, bars, top$increase_max_musd, bars, angle = 90, code = 3, length = 0.03)
invisible(dev.off())
