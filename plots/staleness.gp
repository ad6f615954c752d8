# How old the rows were that reads saw: clock of the data minus clock of the reader, as shares of all reads. Several
# policies side by side.
# Variables: files and labels (words, quoted), output, picture.
load plots.'/style.gp'
count = words(files)
set xlabel 'clock of the data minus clock of the reader'
set ylabel 'share of reads (%)'
lowest = -1
array total[count]
do for [i=1:count] {
    stats word(files, i) using (column('reads')) nooutput
    total[i] = STATS_sum > 0 ? STATS_sum : 1
    stats word(files, i) using (column('clock_difference')) nooutput
    lowest = STATS_min < lowest ? STATS_min : lowest
}
lowest = lowest < -40 ? -40 : lowest
bar = 0.8 / count
set boxwidth bar * 0.92
set xrange [lowest-0.6:-0.4]
set yrange [0:*]
if (lowest > -20) set xtics 1
plot for [i=1:count] word(files, i) \
     using (column('clock_difference') - 0.4 + (i - 0.5) * bar):(100.0 * column('reads') / total[i]) \
     with boxes linetype i dt 1 title word(labels, i) noenhanced
