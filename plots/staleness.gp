# How old the rows were that reads saw: clock of the data minus clock of the reader, as shares of
# all reads. One panel for each policy, under one axis.
# Variables: files and labels (words, quoted), output, picture.
count = words(files)
if (!exists("height")) height = 110 + 90 * count
load plots.'/style.gp'
lowest = -1
array total[count]
do for [i=1:count] {
    stats word(files, i) using (column('reads')) nooutput
    total[i] = STATS_sum > 0 ? STATS_sum : 1
    stats word(files, i) using (column('clock_difference')) nooutput
    lowest = STATS_min < lowest ? STATS_min : lowest
}
oldest = lowest
lowest = lowest < -20 ? -20 : lowest
unset key
set boxwidth 0.8
set xrange [lowest-0.6:-0.4]
set yrange [0:100]
set ytics 0,50,100
set xtics 1 format ''
set lmargin at screen 0.14
set rmargin at screen 0.97
top = 1.0 - 12.0 / height
bottom = 70.0 / height
each = (top - bottom) / count
set multiplot
do for [i=1:count] {
    set tmargin at screen top - (i - 1) * each - 0.06 * each
    set bmargin at screen top - i * each + 0.1 * each
    if (i == count) {
        set xtics 1 format '%g'
        set xlabel 'clock of the data minus clock of the reader' \
            .(oldest < lowest ? sprintf(' (older than %d not shown; oldest %d)', lowest, oldest) : '')
    }
    if (i == (count + 1) / 2) {
        set ylabel 'share of reads (%)'
    } else {
        unset ylabel
    }
    set label 1 word(labels, i) at graph 0.015,0.8 noenhanced textcolor rgb '#222222'
    plot word(files, i) using (column('clock_difference')):(100.0 * column('reads') / total[i]) \
         with boxes lc rgb compute_colour
}
unset multiplot
