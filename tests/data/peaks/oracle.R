# Make deseq2.tsv and mclust.tsv from counts.tsv and ratios.tsv: Rscript oracle.R (R 4.2, DESeq2 1.38, mclust 6.0).
suppressMessages({library(mclust); library(DESeq2)})
options(digits = 12)
bins <- read.delim("counts.tsv", check.names = FALSE)
counts <- as.matrix(bins[1:7]); offsets <- as.matrix(bins[8:14]); dimnames(offsets) <- dimnames(counts)
assay <- factor(sub("_.*", "", sub("count.", "", colnames(counts))), levels = c("input", "ip"))
made <- NULL
for (dispersion in c(0, 0.1)) {
  data <- DESeqDataSetFromMatrix(counts, data.frame(assay), ~assay)
  normalizationFactors(data) <- offsets
  dispersions(data) <- rep(dispersion, nrow(counts))
  data <- nbinomWaldTest(data)
  found <- results(data, independentFiltering = FALSE)
  made <- rbind(made, data.frame(dispersion, bin = seq_len(nrow(counts)), log2_fold_change = found$log2FoldChange,
    standard_error = found$lfcSE, outlier = as.integer(is.na(found$pvalue))))
}
write.table(made, "deseq2.tsv", sep = "\t", row.names = FALSE, quote = FALSE)
pairs <- read.delim("ratios.tsv")
pairs <- pairs[pairs$ip >= 5 & pairs$input >= 5, ]
fit <- Mclust(log(pairs$ip / pairs$input), G = 2, verbose = FALSE)
low <- which.min(fit$parameters$mean)
write.table(data.frame(model = fit$modelName, bic = fit$bic, log_likelihood = fit$loglik, background = sum(fit$classification == low),
  mean_low = fit$parameters$mean[low], mean_high = fit$parameters$mean[3 - low]), "mclust.tsv", sep = "\t", row.names = FALSE, quote = FALSE)
spline <- as.data.frame(unclass(splines::ns(seq(0, 1, 0.05), knots = c(.4, .5, .6), Boundary.knots = c(0, 1), intercept = TRUE))[, 1:5])
write.table(spline, "natural_spline.tsv", sep = "\t", row.names = FALSE, quote = FALSE)
