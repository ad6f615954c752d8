# Where the time of the workers goes, for every group of a sweep.
# Variables: file (groups.csv), label (the column that names a group), output, picture.
load plots.'/style.gp'
set style data histograms
set style histogram rowstacked
set boxwidth 0.7
set yrange [0:*]
set xlabel label noenhanced
set ylabel 'time of all workers (s)'
set xtics rotate by -35 noenhanced
plot file using 'compute_s':xtic(strcol(label)) lc rgb compute_colour title 'computing', \
     file using 'wait_s' lc rgb wait_colour title 'waiting'
