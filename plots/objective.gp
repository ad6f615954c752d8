# Objective against time, clocks or bytes, several runs in one picture.
# Variables: files and labels (words, quoted), metric (a column), against ('time_s', 'clock_min'
# or 'bytes_sent'), is_maximised ('1': more is better), output, picture.
load plots.'/style.gp'
count = words(files)
if (against eq 'time_s') set xlabel 'time (s)'
if (against eq 'clock_min') set xlabel 'clock of the slowest worker'
scale = against eq 'bytes_sent' ? 1e6 : 1
if (against eq 'bytes_sent') set xlabel 'bytes sent (MB)'
set ylabel metric noenhanced
set xrange [0:*]
set yrange [*:*]
set format y '%g'
# One curve that leaves the range of all others would flatten them: what is minimised is cut at 1.3
# times the first value.
stats word(files, 1) using (column(metric)) every ::0::0 nooutput
first = STATS_max
if (first > 0 && is_maximised eq '0') set yrange [*:*<first*1.3]
plot for [i=1:count] word(files, i) using (column(against)/scale):(column(metric)) \
     with linespoints linetype i pointinterval -8 title word(labels, i) noenhanced
